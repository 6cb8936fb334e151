import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import { type BootLink, followBootLink } from "./boot-links.js";
import { distinctFiles, type ImageFile, type ImageTree } from "./image-tree.js";

export interface Kernel {
  readonly file: ImageFile;
  /** The VERSION of its `/lib/modules/VERSION`; undefined if the image does not say. */
  readonly version: string | undefined;
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

/** Directories with kernels. Those in the second are used only if the first has none. */
const kernelDirectory = "/boot";
const modulesDirectory = "/lib/modules";

/**
 * Finds the kernel that the image wants to be booted: the one that a link names, else the only one,
 * else the newest whose modules are complete.
 * @param wanted the path that the user named
 * @throws NetbootError IMAGE_NO_KERNEL
 */
export function findKernel(tree: ImageTree, wanted: string | undefined): Kernel {
  if (wanted !== undefined) return findWantedKernel(tree, wanted);
  const linked = followBootLink(tree, kernelLinks);
  if (linked !== undefined) return { ...linked, version: versionOf(tree, linked.file) };
  const [first, ...others] = kernelFiles(tree);
  if (first === undefined) throw noKernel("The image has no kernel in /boot.");
  if (others.length > 0) return bestOf(tree, [first, ...others]);
  return { file: first, version: versionOf(tree, first), reason: "it is the only one" };
}

/** True for a path at which a kernel may be found, so that its contents are worth keeping. */
export function isKernelPath(path: string): boolean {
  const name = /^(?:boot|(?:usr\/)?lib\/modules\/[^/]+)\/([^/]+)$/.exec(path)?.[1];
  return name !== undefined && isKernelName(name);
}

function findWantedKernel(tree: ImageTree, wanted: string): Kernel {
  const file = tree.file(wanted);
  if (file === undefined) {
    throw noKernel(`The image has no file ${display(wanted)} to use as the kernel.`);
  }
  return { file, version: versionOf(tree, file), reason: "--kernel names it" };
}

function kernelFiles(tree: ImageTree): ImageFile[] {
  const names = tree.list(kernelDirectory).filter(isKernelName);
  const inBoot = (which: (name: string) => boolean) =>
    distinctFiles(
      tree,
      names.filter(which).map((name) => `${kernelDirectory}/${name}`),
    );
  const compressed = inBoot((name) => !isUncompressed(name));
  const files = compressed.length > 0 ? compressed : inBoot(isUncompressed);
  if (files.length > 0) return files;
  const versions = tree.list(modulesDirectory);
  return distinctFiles(
    tree,
    versions.map((version) => `${modulesDirectory}/${version}/vmlinuz`),
  );
}

/** Next to a compressed kernel, such a file is for debuggers; on riscv64, it is what boots. */
function isUncompressed(name: string): boolean {
  return name.startsWith("vmlinux");
}

function isKernelName(name: string): boolean {
  return (
    kernelPrefixes.some((prefix) => name.startsWith(prefix)) &&
    !/\.(hmac|old|sig|sha\d+|bak)$/.test(name) &&
    !name.includes("rescue")
  );
}

function bestOf(tree: ImageTree, candidates: readonly [ImageFile, ...ImageFile[]]): Kernel {
  const ranked = candidates
    .map((file) => ({ file, version: versionOf(tree, file) }))
    .sort((a, b) => compareVersions(b.version ?? b.file.path, a.version ?? a.file.path));
  const complete = ranked.filter(({ version }) => hasModules(tree, version));
  const [chosen] = complete.length > 0 ? complete : ranked;
  if (chosen === undefined) throw new Error("there are no candidates");
  const others = candidates.length === 2 ? "the other" : "the others";
  const reason =
    complete.length === 1
      ? `of ${candidates.length} kernels, only this one has a complete /lib/modules/${chosen.version}`
      : complete.length === 0
        ? `none of the ${candidates.length} kernels has its modules, and this one is newer than ${others}`
        : `it is the newest of ${complete.length} kernels with complete modules`;
  return { ...chosen, reason };
}

function hasModules(tree: ImageTree, version: string | undefined): boolean {
  if (version === undefined) return false;
  const directory = `${modulesDirectory}/${version}`;
  return tree.exists(`${directory}/modules.dep`) && tree.isDirectory(`${directory}/kernel`);
}

/**
 * The modules that belong to a kernel: `vmlinuz-6.1.0-1` to those of 6.1.0-1, Alpine's `vmlinuz-lts`
 * to those of `6.6.31-0-lts`, and a file beside the modules to those of its directory.
 */
function versionOf(tree: ImageTree, { path }: ImageFile): string | undefined {
  const beside = /\/lib\/modules\/([^/]+)\/[^/]+$/.exec(path)?.[1];
  if (beside !== undefined) return beside;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const suffix = name.includes("-") ? name.slice(name.indexOf("-") + 1) : undefined;
  // If the name is enough, do not look at the modules: their layer may not have been fetched.
  if (suffix !== undefined && /^[0-9]/.test(suffix)) return suffix;
  const versions = moduleVersions(tree);
  if (suffix === undefined) return versions.length === 1 ? versions[0] : undefined;
  if (versions.includes(suffix)) return suffix;
  const ofFlavor = versions.filter((version) => version.endsWith(`-${suffix}`));
  return ofFlavor.sort(compareVersions).at(-1);
}

function moduleVersions(tree: ImageTree): ByteString[] {
  const names = tree.list(modulesDirectory);
  return names.filter((name) => tree.isDirectory(`${modulesDirectory}/${name}`));
}

/** Compares numbers by value and everything else by character. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function noKernel(message: string): NetbootError {
  return new NetbootError(
    "IMAGE_NO_KERNEL",
    message,
    "Use a bootable Kairos image, or name the kernel inside the image with --kernel PATH.",
  );
}
