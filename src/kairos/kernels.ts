import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import type { ImageFile, ImageTree } from "./image-tree.js";

export interface Kernel {
  readonly file: ImageFile;
  /** As in `/lib/modules/VERSION`; undefined where the image does not tell. */
  readonly version: string | undefined;
  /** Why this one, for people. */
  readonly reason: string;
}

/** Names that Kairos' own tools take for kernels, and Debian's on riscv64. */
const prefixes = ["uImage", "Image", "zImage", "vmlinuz", "vmlinux", "image"];
/** Names, most usual first, that distributions link to the kernel that is to be booted. */
const links = ["vmlinuz", "Image", "zImage", "uImage", "image", "vmlinux"];

/**
 * The kernel that the image means to be booted: the one its link names, else the only one, else
 * the one whose modules are complete.
 * @param wanted the path that the user gave
 * @throws NetbootError IMAGE_NO_KERNEL
 */
export function findKernel(tree: ImageTree, wanted: string | undefined): Kernel {
  if (wanted !== undefined) return wantedKernel(tree, wanted);
  for (const name of links) {
    const file = tree.file(`/boot/${name}`);
    if (file === undefined) continue;
    const isLink = tree.isSymlink(`/boot/${name}`);
    if (isUncompressed(name) && !isLink) continue;
    const how = isLink ? "links to it" : "is it";
    return { file, version: versionOf(tree, file), reason: `/boot/${name} ${how}` };
  }
  const candidates = kernelFiles(tree);
  if (candidates.length === 0) throw noKernel("The image holds no kernel in /boot.");
  if (candidates.length === 1) {
    const file = candidates[0]!;
    return { file, version: versionOf(tree, file), reason: "it is the only one" };
  }
  return bestOf(tree, candidates);
}

/** True for a path where a kernel is looked for, so that its contents may be kept. */
export function isKernelPath(path: string): boolean {
  const match = /^(?:boot|(?:usr\/)?lib\/modules\/[^/]+)\/([^/]+)$/.exec(path);
  return match !== null && isKernelName(match[1]!);
}

function wantedKernel(tree: ImageTree, wanted: string): Kernel {
  const file = tree.file(wanted);
  if (file === undefined)
    throw noKernel(`The image holds no file ${display(wanted)} to use as the kernel.`);
  return { file, version: versionOf(tree, file), reason: "it was asked for" };
}

function kernelFiles(tree: ImageTree): ImageFile[] {
  const names = tree.list("/boot").filter(isKernelName);
  const besideModules = tree.list("/lib/modules").map((name) => `/lib/modules/${name}/vmlinuz`);
  const inBoot = (which: (name: string) => boolean) =>
    distinctFiles(
      tree,
      names.filter(which).map((name) => `/boot/${name}`),
    );
  const usual = inBoot((name) => !isUncompressed(name));
  const files = usual.length > 0 ? usual : inBoot(isUncompressed);
  return files.length > 0 ? files : distinctFiles(tree, besideModules);
}

/** For debuggers where there is a compressed one beside it; on riscv64 it is what boots. */
function isUncompressed(name: string): boolean {
  return name.startsWith("vmlinux");
}

/** The regular files that the paths lead to, each once. */
export function distinctFiles(tree: ImageTree, paths: readonly ByteString[]): ImageFile[] {
  const files = new Map<ByteString, ImageFile>();
  for (const path of paths) {
    const file = tree.file(path);
    if (file !== undefined) files.set(file.path, file);
  }
  return [...files.values()];
}

function isKernelName(name: string): boolean {
  return (
    prefixes.some((prefix) => name.startsWith(prefix)) &&
    !/\.(hmac|old|sig|sha\d+|bak)$/.test(name) &&
    !name.includes("rescue")
  );
}

function bestOf(tree: ImageTree, candidates: readonly ImageFile[]): Kernel {
  const ranked = candidates
    .map((file) => ({ file, version: versionOf(tree, file) }))
    .sort((a, b) => compareVersions(b.version ?? b.file.path, a.version ?? a.file.path));
  const complete = ranked.filter(({ version }) => hasModules(tree, version));
  const [chosen] = complete.length > 0 ? complete : ranked;
  const others = candidates.length === 2 ? "the other" : "the others";
  const reason =
    complete.length === 1
      ? `of ${candidates.length} kernels it is the one whose /lib/modules/${chosen!.version} is complete`
      : complete.length === 0
        ? `of ${candidates.length} kernels none has its modules, and it is newer than ${others}`
        : `of ${complete.length} kernels with complete modules it is the newest`;
  return { ...chosen!, reason };
}

function hasModules(tree: ImageTree, version: string | undefined): boolean {
  if (version === undefined) return false;
  const directory = `/lib/modules/${version}`;
  return tree.exists(`${directory}/modules.dep`) && tree.isDirectory(`${directory}/kernel`);
}

/**
 * `vmlinuz-6.1.0-1` belongs to the modules of 6.1.0-1; Alpine's `vmlinuz-lts` to those of
 * `6.6.31-0-lts`; a file beside the modules to their directory.
 */
function versionOf(tree: ImageTree, { path }: ImageFile): string | undefined {
  // Not looked at where the name says it all: they may be in a layer that was not fetched.
  const modules = () =>
    tree.list("/lib/modules").filter((name) => tree.isDirectory(`/lib/modules/${name}`));
  const beside = /\/lib\/modules\/([^/]+)\/[^/]+$/.exec(path);
  if (beside !== null) return beside[1]!;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const suffix = name.includes("-") ? name.slice(name.indexOf("-") + 1) : undefined;
  if (suffix === undefined) return modules().length === 1 ? modules()[0] : undefined;
  if (/^[0-9]/.test(suffix) || modules().includes(suffix)) return suffix;
  const flavour = modules().filter((version) => version.endsWith(`-${suffix}`));
  return flavour.sort(compareVersions).at(-1);
}

/** Numbers by value, the rest by character. */
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
