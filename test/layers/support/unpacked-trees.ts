import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ExtractEvent, extract } from "../../../src/index.js";
import { listTree, type TreeListing } from "../../support/tree-listing.js";

const run = promisify(execFile);

/** Passes on a temporary directory and removes it afterwards. */
export async function withDirectory<Result>(
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "kairos-netboot-layers-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface ExtractedTree {
  readonly tree: TreeListing;
  readonly messages: readonly string[];
}

/** The tree that `extract` makes of an image, unpacked by unsquashfs in its strict mode. */
export async function extractedTree(layout: string, scratch: string): Promise<ExtractedTree> {
  const messages: string[] = [];
  const output = join(scratch, "out");
  const { description } = await extract({
    image: `oci:${layout}:test`,
    output,
    platform: "linux/amd64",
    cache: false,
    jobs: 2,
    compression: "lz4",
    onEvent: (event: ExtractEvent) => {
      if (event.type === "message") messages.push(event.text);
    },
  });
  const root = join(scratch, "squashfs-root");
  const squashfs = join(output, description.files.squashfs.name);
  await run("unsquashfs", ["-strict-errors", "-no-progress", "-quiet", "-d", root, squashfs]);
  const tree = listTree(root);
  return { tree: (await hasRootTime()) ? tree : withoutRootTime(tree), messages };
}

/** False before squashfs-tools 4.6, where the root directory has the time of the file system. */
export async function hasRootTime(): Promise<boolean> {
  const { stdout } = await run("mksquashfs", ["-version"]);
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(stdout)!;
  return Number(major) * 1000 + Number(minor) >= 4006;
}

export function withoutRootTime(tree: TreeListing): TreeListing {
  return { ...tree, ".": { ...tree["."]!, mtime: 0 } };
}

/** The tree that umoci makes of an image. As root, it restores owners, devices and attributes. */
export async function umociTree(layout: string, scratch: string): Promise<TreeListing> {
  const root = join(scratch, "umoci-root");
  await mkdir(root);
  await run("umoci", ["raw", "unpack", "--image", `${layout}:test`, root]);
  return listTree(root);
}

/** Needs root to restore owners, devices, times and attributes. */
export async function unpackWithGnuTar(archive: string, root: string): Promise<void> {
  const attributes = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner"];
  const options = ["-p", "--delay-directory-restore", ...attributes];
  await run("tar", ["-x", "-f", archive, "-C", root, ...options]);
}
