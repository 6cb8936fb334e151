import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import { type BootLink, followBootLink } from "./boot-links.js";
import { distinctFiles, type ImageFile, type ImageTree } from "./image-tree.js";
import { isKernelPath, type KernelFile, kernelSuffix } from "./kernels.js";
import { besideModules, versionBeside } from "./module-directories.js";

export interface Initrd {
  readonly file: ImageFile;
  /** Why this initrd was chosen, as a clause for people. */
  readonly reason: string;
}

/** Paths at which an image says which initrd to boot, in order of precedence. */
const initrdLinks: readonly BootLink[] = [
  { path: "/boot/initrd" },
  { path: "/boot/initramfs" },
  { path: "/boot/initrd.img" },
  { path: "/boot/initramfs.img" },
  // Debian's links in the root directory.
  { path: "/initrd.img", isSymlinkOnly: true },
  { path: "/initrd", isSymlinkOnly: true },
];

/** Names of the initrd beside the modules of its kernel: bootc's, then those that dracut knows. */
const namesBesideModules = ["initramfs.img", "initrd", "initrd.img"];

/** How the names of initrds in /boot begin. */
const initrdPrefixes = ["initrd", "initramfs"];

/**
 * Finds the initrd that belongs to a kernel: the one that a link names, unless it is another
 * kernel's and this kernel has its own; else the one of the kernel's version or flavor; else the only
 * one.
 * @returns undefined if there is none, or if several fit
 */
export function findInitrd(tree: ImageTree, kernel: KernelFile): Initrd | undefined {
  const linked = followBootLink(tree, initrdLinks);
  // If the name does not say otherwise, look no further: the layer of other files may not have been
  // fetched.
  if (linked !== undefined && !isForAnother(linked.file.path, kernel)) return linked;
  const initrds = listInitrds(tree);
  const own = initrds.find(({ path }) => isFor(path, kernel)) ?? initrdBesideModules(tree, kernel);
  if (own !== undefined) {
    return {
      file: own,
      reason: `it is the one for kernel ${kernel.version ?? display(kernel.file.path)}`,
    };
  }
  if (linked !== undefined) return linked;
  const flavors = new Set(bootPaths(tree).filter(isKernelPath).map(kernelSuffix));
  const possible = initrds.filter(({ path }) => mayBeFor(path, kernel, flavors));
  const regular = possible.filter(({ path }) => !isFallback(path));
  const [only, ...others] = regular.length > 0 ? regular : possible;
  if (only === undefined || others.length > 0) return undefined;
  return { file: only, reason: "it is the only one" };
}

/**
 * The initrd at a path that the user named.
 * @throws NetbootError IMAGE_NO_INITRD
 */
export function findWantedInitrd(tree: ImageTree, wanted: string): Initrd {
  const file = tree.file(wanted);
  if (file !== undefined) return { file, reason: "--initrd names it" };
  throw noInitrd(`The image has no file ${display(wanted)} to use as the initrd.`);
}

/** The error for an image in which no initrd belongs to the kernel. */
export function missingInitrd(tree: ImageTree, isTrustedBoot: boolean): NetbootError {
  const paths = listInitrds(tree).map(({ path }) => display(path));
  if (paths.length > 0) {
    return noInitrd(
      `Of the image's initrds (${paths.join(", ")}), not exactly one fits the kernel.`,
    );
  }
  if (isTrustedBoot) return trustedBoot();
  return noInitrd("The image has a kernel, but no initrd in /boot or beside the kernel's modules.");
}

/** True for a path at which an initrd may be found, so that its contents are worth keeping. */
export function isInitrdPath(path: ByteString): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (versionBeside(path) !== undefined) return namesBesideModules.includes(name);
  return /^\/?boot\/[^/]+$/.test(path) && isInitrdName(name);
}

function isInitrdName(name: ByteString): boolean {
  return (
    initrdPrefixes.some((prefix) => name.startsWith(prefix)) &&
    !/kdump|rescue|\.(hmac|old|bak)$/.test(name)
  );
}

function bootPaths(tree: ImageTree): ByteString[] {
  return tree.list("/boot").map((name) => `/boot/${name}`);
}

/** Those in /boot, fallbacks last. */
function listInitrds(tree: ImageTree): ImageFile[] {
  const files = distinctFiles(tree, bootPaths(tree).filter(isInitrdPath));
  return files.sort((one, other) => Number(isFallback(one.path)) - Number(isFallback(other.path)));
}

function initrdBesideModules(tree: ImageTree, { version }: KernelFile): ImageFile | undefined {
  if (version === undefined) return undefined;
  const paths = namesBesideModules.flatMap((name) => besideModules(version, name));
  return distinctFiles(tree, paths)[0];
}

/** mkinitcpio's `initramfs-linux-fallback.img` has the drivers of all machines, for rescue. */
function isFallback(path: ByteString): boolean {
  return /-fallback(?:\.img)?$/.test(path);
}

/**
 * The version or the flavor in `initrd-6.1.0`, `initrd.img-6.1.0` or `initramfs-linux.img`, or the
 * version of the modules beside it.
 */
function labelOf(path: ByteString): ByteString | undefined {
  const name = /\/(?:initrd|initramfs)(?:\.img)?-([^/]+?)(?:-fallback)?(?:\.img)?$/.exec(path);
  return name?.[1] ?? versionBeside(path);
}

/** Alpine's `initramfs-lts` belongs to kernels whose version ends with `-lts`. */
function isFor(path: ByteString, { file, version }: KernelFile): boolean {
  const label = labelOf(path);
  if (label === undefined) return false;
  return label === kernelSuffix(file.path) || `-${version}`.endsWith(`-${label}`);
}

function isForAnother(path: ByteString, kernel: KernelFile): boolean {
  return labelOf(path) !== undefined && !isFor(path, kernel);
}

/**
 * False for the initrd of another kernel, which would lack this kernel's modules.
 * @param flavors of the kernels in the image
 */
function mayBeFor(
  path: ByteString,
  { version }: KernelFile,
  flavors: ReadonlySet<ByteString | undefined>,
): boolean {
  const label = labelOf(path);
  if (label === undefined) return true;
  return /^[0-9]/.test(label) ? version === undefined : !flavors.has(label);
}

function noInitrd(message: string): NetbootError {
  return new NetbootError(
    "IMAGE_NO_INITRD",
    message,
    "Use a bootable Kairos image, or name the initrd inside the image with --initrd PATH.",
  );
}

function trustedBoot(): NetbootError {
  return new NetbootError(
    "IMAGE_TRUSTED_BOOT",
    "The image is for trusted boot: its initrd is part of a signed UKI, not of the image, so this program cannot boot it.",
    "Use the image without trusted boot (its tag has no -uki).",
  );
}
