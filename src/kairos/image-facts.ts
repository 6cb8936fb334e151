import { KernelConfig } from "../kernel/index.js";
import type { Inode } from "../layers/index.js";
import { hasName } from "./artifact-name.js";
import { findBootFiles, maxTextBytes, type WantedBootFiles } from "./boot-files.js";
import type { ImageTree } from "./image-tree.js";
import type { Initrd } from "./initrds.js";
import { type KairosRelease, parseKairosRelease, releaseFiles } from "./kairos-release.js";
import type { Kernel } from "./kernels.js";

/** Everything about an image that netbooting it depends on. */
export interface KairosFacts {
  readonly release: KairosRelease;
  readonly kernel: Kernel;
  readonly initrd: Initrd;
  /** Undefined if the image does not contain it. */
  readonly kernelConfig: KernelConfig | undefined;
  readonly hasSelinux: boolean;
}

/**
 * @param read returns the contents of a small file
 * @throws NetbootError as `findBootFiles`
 */
export async function readKairosFacts(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
  wanted: WantedBootFiles,
): Promise<KairosFacts> {
  const release = await readKairosRelease(tree, read);
  const { kernel, initrd } = findBootFiles(tree, release, wanted);
  const config = kernelConfigFile(tree, kernel.version);
  return {
    release,
    kernel,
    initrd,
    kernelConfig: config && new KernelConfig(await read(config)),
    hasSelinux: tree.file("/etc/selinux/config") !== undefined,
  };
}

/**
 * Reads what the image says of itself. The second release file counts only if the first is missing or
 * does not say enough: otherwise it may describe another release.
 * @param read returns the contents of a small file
 */
export async function readKairosRelease(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
): Promise<KairosRelease> {
  const contents: Buffer[] = [];
  for (const path of releaseFiles) {
    const file = textFile(tree, path);
    if (file !== undefined) contents.push(await read(file));
    if (hasName(parseKairosRelease(contents))) break;
  }
  return parseKairosRelease(contents);
}

function kernelConfigFile(tree: ImageTree, version: string | undefined): Inode | undefined {
  if (version === undefined) return undefined;
  return (
    textFile(tree, `/boot/config-${version}`) ?? textFile(tree, `/lib/modules/${version}/config`)
  );
}

function textFile(tree: ImageTree, path: string): Inode | undefined {
  const inode = tree.file(path)?.inode;
  return inode !== undefined && inode.entry.size <= maxTextBytes ? inode : undefined;
}
