import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { listTrees, type TreeListing } from "../../support/tree-listing.js";
import type { MksquashfsCommand } from "./flattened-image.js";

/** Passes on a temporary directory and removes it afterwards. */
export async function withDirectory<Result>(
  use: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(parentDirectory(), "kairos-netboot-layers-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const sharedMemory = "/dev/shm";
const minSharedMemoryBytes = 2 ** 30;

/** Memory if possible, because a disk's file system takes long to create and delete many files. */
function parentDirectory(): string {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  // Only since Linux 6.6 does tmpfs have extended attributes of users.
  if (major * 1000 + minor < 6006 || !existsSync(sharedMemory)) return tmpdir();
  const { bavail, bsize } = statfsSync(sharedMemory);
  return bavail * bsize < minSharedMemoryBytes ? tmpdir() : sharedMemory;
}

/** A shell command that unpacks a source into a new directory; its words need no quotes. */
export type Unpacker<Source> = (source: Source, root: string) => string;

/** Without these, Go's runtime takes longer than umoci itself. */
const goSettings = "GOMAXPROCS=1 GOGC=off GODEBUG=asyncpreemptoff=1";

/** Restores owners, devices and attributes if root runs it, as the others do. */
export const umoci: Unpacker<string> = (layout, root) =>
  `${goSettings} umoci raw unpack --image ${layout}:test ${root}`;

export const unsquashfs: Unpacker<string> = (squashfs, root) =>
  `unsquashfs -strict-errors -no-progress -quiet -d ${root} ${squashfs}`;

const xattrs = "--xattrs '--xattrs-include=*'";
const owners = "-p --delay-directory-restore --numeric-owner --same-owner";

export const gnuTar: Unpacker<string> = (archive, root) =>
  `mkdir ${root} && tar -x -f ${archive} -C ${root} ${owners} ${xattrs}`;

export interface SquashfsSource extends MksquashfsCommand {
  readonly archive: string;
}

/** mksquashfs, then unsquashfs. */
export const throughSquashfs: Unpacker<SquashfsSource> = (
  { archive, program, options, environment },
  root,
) => {
  const squashfs = `${root}.squashfs`;
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const words = [...variables, ...program, "-", squashfs, ...options.map((word) => `'${word}'`)];
  return `${words.join(" ")} <${archive} && ${unsquashfs(squashfs, root)}`;
};

/**
 * Unpacks each source with the same program and lists the trees; an Error with the program's output
 * for a source that it refuses. One xargs starts all processes: Node takes longer to start one than
 * these programs take to run.
 * @param directory to create
 */
export async function unpackedTrees<Source>(
  unpack: Unpacker<Source>,
  sources: readonly Source[],
  directory: string,
): Promise<(TreeListing | Error)[]> {
  await mkdir(directory);
  const names = sources.map((_, index) => String(index));
  const commands = sources.map((source, index) => {
    const root = join(directory, String(index));
    return `{ ${unpack(source, root)}; } >${root}.log 2>&1 || rm -rf ${root}`;
  });
  const { status, stderr } = spawnSync("xargs", ["-0", "-r", "-n1", "-P2", "sh", "-c"], {
    input: commands.join("\0"),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`xargs: ${stderr}`);
  const unpacked = names.filter((name) => existsSync(join(directory, name)));
  const trees = listTrees(directory, unpacked);
  return names.map(
    (name) => trees.get(name) ?? new Error(readFileSync(join(directory, `${name}.log`), "utf8")),
  );
}

/** As `unpackedTrees`, for sources that the program must not refuse. */
export async function treesOf<Source>(
  ...args: Parameters<typeof unpackedTrees<Source>>
): Promise<readonly TreeListing[]> {
  return (await unpackedTrees(...args)).map((tree) => {
    if (tree instanceof Error) throw tree;
    return tree;
  });
}

/** False before squashfs-tools 4.6, where the root directory has the time of the file system. */
export function hasRootTime(): boolean {
  const { stdout } = spawnSync("mksquashfs", ["-version"], { encoding: "utf8" });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(stdout)!;
  return Number(major) * 1000 + Number(minor) >= 4006;
}

export function withoutRootTime(tree: TreeListing): TreeListing {
  return { ...tree, ".": { ...tree["."]!, mtime: 0 } };
}
