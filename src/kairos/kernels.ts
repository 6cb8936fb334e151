import { readKernelImage } from "../kernel/index.js";
import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import { type BootLink, followBootLink } from "./boot-links.js";
import { compareVersions } from "./compare-versions.js";
import type { ImageContents } from "./image-contents.js";
import { distinctFiles, type ImageFile, type ImageTree } from "./image-tree.js";
import { listBesideModules, moduleVersions, versionBeside } from "./module-directories.js";

/** A kernel of an image. */
export interface KernelFile {
  readonly file: ImageFile;
  /** The VERSION of its `/lib/modules/VERSION`; undefined if the image does not say. */
  readonly version: string | undefined;
}

/** The kernel to boot. */
export interface Kernel extends KernelFile {
  /** Why this kernel was chosen, as a clause for people. */
  readonly reason: string;
}

/** Paths at which an image says which kernel to boot, in order of precedence. */
const kernelLinks: readonly BootLink[] = [
  { path: "/boot/vmlinuz" },
  { path: "/boot/Image" },
  { path: "/boot/zImage" },
  { path: "/boot/uImage" },
  { path: "/boot/image" },
  // A file with this name may be for debuggers.
  { path: "/boot/vmlinux", isSymlinkOnly: true },
  // Debian's links in the root directory.
  { path: "/vmlinuz", isSymlinkOnly: true },
  { path: "/vmlinux", isSymlinkOnly: true },
];

/** How the names of kernels begin: those that Kairos's own tools know, and Debian's on riscv64. */
const kernelPrefixes = ["uImage", "Image", "zImage", "vmlinuz", "vmlinux", "image"];

/** The kernel that a link names, or that has the default name; undefined if there is none. */
export async function findNamedKernel(
  tree: ImageTree,
  contents: ImageContents,
): Promise<Kernel | undefined> {
  const linked = followBootLink(tree, kernelLinks);
  return linked && { ...linked, version: await versionOf(tree, contents, linked.file) };
}

/**
 * The kernel at a path that the user named.
 * @throws NetbootError IMAGE_NO_KERNEL
 */
export async function findWantedKernel(
  tree: ImageTree,
  contents: ImageContents,
  wanted: string,
): Promise<Kernel> {
  const file = tree.file(wanted);
  if (file === undefined) {
    throw noKernel(`The image has no file ${display(wanted)} to use as the kernel.`);
  }
  const version = await versionOf(tree, contents, file);
  return { file, version, reason: "--kernel names it" };
}

/**
 * All kernels in `/boot` and beside modules. If several have the same version, they are copies, and
 * only the first is listed.
 * @throws NetbootError IMAGE_NO_KERNEL if there is none
 */
export async function listKernels(
  tree: ImageTree,
  contents: ImageContents,
): Promise<readonly [KernelFile, ...KernelFile[]]> {
  const paths = [...tree.list("/boot").map((name) => `/boot/${name}`), ...listBesideModules(tree)];
  const kernels = new Map<string, KernelFile>();
  for (const file of kernelFiles(tree, paths.filter(isKernelPath))) {
    const version = await versionOf(tree, contents, file);
    const key = version ?? file.path;
    if (!kernels.has(key)) kernels.set(key, { file, version });
  }
  const [first, ...others] = kernels.values();
  if (first === undefined) throw noKernel("The image has no kernel in /boot or /usr/lib/modules.");
  return [first, ...others];
}

/** True for a path at which a kernel may be found, so that its contents are worth keeping. */
export function isKernelPath(path: ByteString): boolean {
  const name = /^\/?(?:boot|(?:usr\/)?lib\/modules\/[^/]+)\/([^/]+)$/.exec(path)?.[1];
  return name !== undefined && isKernelName(name);
}

function isKernelName(name: ByteString): boolean {
  return (
    kernelPrefixes.some((prefix) => name.startsWith(prefix)) &&
    !/\.(hmac|old|sig|sha\d+|bak)$/.test(name) &&
    !name.includes("rescue")
  );
}

/** `linux` in `/boot/vmlinuz-linux`, which may be a version as well; undefined if there is none. */
export function kernelSuffix(path: ByteString): ByteString | undefined {
  return /\/[^/-]+-([^/]+)$/.exec(path)?.[1];
}

function kernelFiles(tree: ImageTree, paths: readonly ByteString[]): ImageFile[] {
  const compressed = distinctFiles(
    tree,
    paths.filter((path) => !isUncompressed(path)),
  );
  return compressed.length > 0 ? compressed : distinctFiles(tree, paths.filter(isUncompressed));
}

/** Next to a compressed kernel, such a file is for debuggers; on riscv64, it is what boots. */
function isUncompressed(path: ByteString): boolean {
  return path.includes("/vmlinux");
}

/**
 * The version of a kernel: that in its name or in its path, else that in the file itself, which
 * decides for copies without a version in their names. Otherwise, the names of the modules may tell.
 */
async function versionOf(
  tree: ImageTree,
  contents: ImageContents,
  { path, inode }: ImageFile,
): Promise<string | undefined> {
  const beside = versionBeside(path);
  if (beside !== undefined) return beside;
  const suffix = kernelSuffix(path);
  // If the name is enough, look no further: the layers of other files may not have been fetched.
  if (suffix !== undefined && /^[0-9]/.test(suffix)) return suffix;
  const image = await readKernelImage(await contents.pathOf(inode));
  return image?.version ?? versionOfModules(moduleVersions(tree), suffix);
}

/** The newest version with this suffix, as Alpine's `vmlinuz-lts` belongs to `6.6.31-0-lts`, or the only one. */
function versionOfModules(
  versions: readonly ByteString[],
  suffix: ByteString | undefined,
): ByteString | undefined {
  const ofFlavor = versions.filter((version) => `-${version}`.endsWith(`-${suffix}`));
  const newest = [...ofFlavor].sort(compareVersions).at(-1);
  return newest ?? (versions.length === 1 ? versions[0] : undefined);
}

function noKernel(message: string): NetbootError {
  return new NetbootError(
    "IMAGE_NO_KERNEL",
    message,
    "Use a bootable Kairos image, or name the kernel inside the image with --kernel PATH.",
  );
}
