import { KernelConfig } from "../kernel/index.js";
import type { Inode } from "../layers/index.js";
import { hasName } from "./artifact-name.js";
import { findBootFiles, type WantedBootFiles } from "./boot-files.js";
import type { ImageTree } from "./image-tree.js";
import type { Initrd } from "./initrds.js";
import { type KairosRelease, kairosRelease, releaseFiles } from "./kairos-release.js";
import type { Kernel } from "./kernels.js";

/** All that is to be known of an image to netboot it. */
export interface KairosFacts {
  readonly release: KairosRelease;
  readonly kernel: Kernel;
  readonly initrd: Initrd;
  /** Undefined where the image does not bring it. */
  readonly kernelConfig: KernelConfig | undefined;
  readonly hasSelinux: boolean;
}

/**
 * @param read gives the contents of a small file
 * @throws NetbootError as `findBootFiles`
 */
export async function readKairosFacts(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
  wanted: WantedBootFiles,
): Promise<KairosFacts> {
  const release = await readRelease(tree, read);
  const { kernel, initrd } = findBootFiles(tree, release, wanted);
  const config = configFile(tree, kernel.version);
  return {
    release,
    kernel,
    initrd,
    kernelConfig: config && new KernelConfig(await read(config)),
    hasSelinux: tree.file("/etc/selinux/config") !== undefined,
  };
}

/**
 * What the image says of itself. The second release file is looked at only where the first, if it is
 * there at all, does not say enough: what it holds beside that is of another release.
 * @param read gives the contents of a small file
 */
export async function readRelease(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
): Promise<KairosRelease> {
  const contents: Buffer[] = [];
  for (const path of releaseFiles) {
    const file = smallFile(tree, path);
    if (file !== undefined) contents.push(await read(file));
    if (hasName(kairosRelease(contents))) break;
  }
  return kairosRelease(contents);
}

/** A release file or a kernel configuration larger than this is something else. */
const largestFact = 1024 * 1024;

function smallFile(tree: ImageTree, path: string): Inode | undefined {
  const inode = tree.file(path)?.inode;
  return inode !== undefined && inode.entry.size <= largestFact ? inode : undefined;
}

function configFile(tree: ImageTree, version: string | undefined): Inode | undefined {
  if (version === undefined) return undefined;
  return (
    smallFile(tree, `/boot/config-${version}`) ?? smallFile(tree, `/lib/modules/${version}/config`)
  );
}
