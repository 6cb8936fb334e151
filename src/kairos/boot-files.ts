import { NetbootError } from "../support/index.js";
import { type ImageTree, largestFile } from "./image-tree.js";
import { findInitrd, type Initrd, isInitrdPath } from "./initrds.js";
import type { KairosRelease } from "./kairos-release.js";
import { findKernel, isKernelPath, type Kernel } from "./kernels.js";

/** Paths that the user named; absolute inside the image. */
export interface WantedBootFiles {
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
}

/**
 * Kernel and initrd of an image.
 * @throws NetbootError IMAGE_IS_RAW_DISK, IMAGE_NO_KERNEL, IMAGE_NO_INITRD, IMAGE_TRUSTED_BOOT
 */
export function findBootFiles(
  tree: ImageTree,
  release: KairosRelease,
  wanted: WantedBootFiles,
): { kernel: Kernel; initrd: Initrd } {
  const disk = rawDisk(tree);
  if (disk !== undefined) {
    throw new NetbootError(
      "IMAGE_IS_RAW_DISK",
      `The image holds a raw disk (${disk}) and no file system.`,
      "Use the image whose tag does not end in -img.",
    );
  }
  const kernel = findKernel(tree, wanted.kernel);
  const isTrustedBoot = release.trustedBoot;
  const initrd = findInitrd(tree, wanted.initrd, kernel.version, { isTrustedBoot });
  return { kernel, initrd };
}

/** Files that are worth keeping when they pass by: the small ones are read before anything else. */
export function keepRule(
  wanted: WantedBootFiles,
): (path: string, size: number) => "memory" | "disk" | undefined {
  const named = [wanted.kernel, wanted.initrd].map((path) => path?.replace(/^\/+/, ""));
  return (path, size) => {
    if (isSmallFact(path) && size <= 1024 * 1024) return "memory";
    if (size > largestFile) return undefined;
    if (isKernelPath(path) || isInitrdPath(path) || named.includes(path)) return "disk";
    return undefined;
  };
}

function isSmallFact(path: string): boolean {
  return (
    /^(?:etc|usr\/lib)\/(?:kairos|os)-release$/.test(path) ||
    /^boot\/config-[^/]+$/.test(path) ||
    /^(?:usr\/)?lib\/modules\/[^/]+\/config$/.test(path)
  );
}

/** `-img` images: a disk and nothing that looks like a root file system. */
function rawDisk(tree: ImageTree): string | undefined {
  if (["/boot", "/usr", "/etc", "/bin"].some((path) => tree.exists(path))) {
    return undefined;
  }
  return findDisk(tree, "", 3);
}

function findDisk(tree: ImageTree, directory: string, depth: number): string | undefined {
  for (const name of tree.list(directory || "/")) {
    const path = `${directory}/${name}`;
    const isDisk = /\.(raw|img|qcow2|vhd)(\.\w+)?$/.test(name);
    if (isDisk && tree.file(path) !== undefined) return path;
    if (depth > 0 && tree.isDirectory(path)) {
      const below = findDisk(tree, path, depth - 1);
      if (below !== undefined) return below;
    }
  }
  return undefined;
}
