import { NetbootError } from "../support/index.js";
import { chooseKernel, type KernelCandidate } from "./choose-kernel.js";
import type { ImageContents } from "./image-contents.js";
import { type ImageTree, maxFileBytes } from "./image-tree.js";
import {
  findInitrd,
  findWantedInitrd,
  type Initrd,
  isInitrdPath,
  missingInitrd,
} from "./initrds.js";
import type { KairosRelease } from "./kairos-release.js";
import {
  findNamedKernel,
  findWantedKernel,
  isKernelPath,
  type Kernel,
  type KernelFile,
  listKernels,
} from "./kernels.js";
import { hasCompleteModules } from "./module-directories.js";

/** Paths that the user named; absolute inside the image. */
export interface WantedBootFiles {
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
}

/** Larger release files and kernel configurations are something else. */
export const maxTextBytes = 1024 * 1024;
/** How many directories deep a raw disk image is looked for. */
const maxDiskDepth = 3;

/**
 * Finds the kernel and the initrd of an image.
 * @throws NetbootError IMAGE_IS_RAW_DISK, IMAGE_NO_KERNEL, IMAGE_NO_INITRD, IMAGE_TRUSTED_BOOT
 */
export async function findBootFiles(
  tree: ImageTree,
  contents: ImageContents,
  release: KairosRelease,
  wanted: WantedBootFiles,
): Promise<{ kernel: Kernel; initrd: Initrd }> {
  const disk = findRawDisk(tree);
  if (disk !== undefined) {
    throw new NetbootError(
      "IMAGE_IS_RAW_DISK",
      `The image contains a raw disk (${disk}) instead of a file system.`,
      "Use the image whose tag does not end in -img.",
    );
  }
  const wantedInitrd =
    wanted.initrd === undefined ? undefined : findWantedInitrd(tree, wanted.initrd);
  const initrdFor = (kernel: KernelFile) => wantedInitrd ?? findInitrd(tree, kernel);
  const kernel =
    wanted.kernel === undefined
      ? await findKernel(tree, contents, (candidate) => initrdFor(candidate) !== undefined)
      : await findWantedKernel(tree, contents, wanted.kernel);
  const initrd = initrdFor(kernel);
  if (initrd === undefined) throw missingInitrd(tree, release.trustedBoot);
  return { kernel, initrd };
}

/**
 * The kernel that the image names, unless only another one is complete. If the image names none, the
 * best of all.
 */
async function findKernel(
  tree: ImageTree,
  contents: ImageContents,
  hasInitrd: (kernel: KernelFile) => boolean,
): Promise<Kernel> {
  const examine = (kernel: KernelFile): KernelCandidate => {
    const { version } = kernel;
    const hasModules = version !== undefined && hasCompleteModules(tree, version);
    return { kernel, hasInitrd: hasInitrd(kernel), hasModules };
  };
  const isComplete = (candidate: KernelCandidate) => candidate.hasInitrd && candidate.hasModules;
  const named = await findNamedKernel(tree, contents);
  // If it is complete, look no further: the layers of other kernels may not have been fetched.
  if (named !== undefined && isComplete(examine(named))) return named;
  const [first, ...others] = await listKernels(tree, contents);
  const candidates = [examine(first), ...others.map(examine)] as const;
  if (named !== undefined && !candidates.some(isComplete)) return named;
  return chooseKernel(candidates);
}

/**
 * Decides which files' contents to capture while a layer streams past: small texts in memory, because
 * they are read before anything else, and possible kernels and initrds on disk.
 */
export function captureRule(
  wanted: WantedBootFiles,
): (path: string, size: number) => "memory" | "disk" | undefined {
  const named = [wanted.kernel, wanted.initrd].map((path) => path?.replace(/^\/+/, ""));
  return (path, size) => {
    if (isTextPath(path) && size <= maxTextBytes) return "memory";
    if (size > maxFileBytes) return undefined;
    if (isKernelPath(path) || isInitrdPath(path) || named.includes(path)) return "disk";
    return undefined;
  };
}

/** Release files and kernel configurations. */
function isTextPath(path: string): boolean {
  return (
    /^(?:etc|usr\/lib)\/(?:kairos|os)-release$/.test(path) ||
    /^boot\/config-[^/]+$/.test(path) ||
    /^(?:usr\/)?lib\/modules\/[^/]+\/(?:config|modules\.builtin)$/.test(path)
  );
}

/** An `-img` image contains a disk image and nothing that resembles a root file system. */
function findRawDisk(tree: ImageTree): string | undefined {
  if (["/boot", "/usr", "/etc", "/bin"].some((path) => tree.exists(path))) return undefined;
  return findDiskBelow(tree, "", maxDiskDepth);
}

function findDiskBelow(tree: ImageTree, directory: string, depth: number): string | undefined {
  for (const name of tree.list(directory || "/")) {
    const path = `${directory}/${name}`;
    const isDisk = /\.(raw|img|qcow2|vhd)(\.\w+)?$/.test(name);
    if (isDisk && tree.file(path) !== undefined) return path;
    if (depth > 0 && tree.isDirectory(path)) {
      const below = findDiskBelow(tree, path, depth - 1);
      if (below !== undefined) return below;
    }
  }
  return undefined;
}
