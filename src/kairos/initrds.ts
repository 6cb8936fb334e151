import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import { type BootLink, followBootLink } from "./boot-links.js";
import { distinctFiles, type ImageFile, type ImageTree } from "./image-tree.js";

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

/** How the names of initrds in /boot begin. */
const initrdPrefixes = ["initrd", "initramfs"];

/**
 * Finds the initrd that belongs to a kernel: the one that a link names, unless it is another
 * kernel's and this kernel has its own; else the one of the kernel's version; else the only one.
 * @param wanted the path that the user named
 * @throws NetbootError IMAGE_NO_INITRD, IMAGE_TRUSTED_BOOT
 */
export function findInitrd(
  tree: ImageTree,
  wanted: string | undefined,
  kernelVersion: string | undefined,
  { isTrustedBoot }: { isTrustedBoot: boolean },
): Initrd {
  if (wanted !== undefined) return findWantedInitrd(tree, wanted);
  const linked = followBootLink(tree, initrdLinks);
  // If the name does not say otherwise, look no further: the layer of other files may not have been
  // fetched.
  if (linked !== undefined && !isForAnother(linked.file.path, kernelVersion)) return linked;
  const names = tree.list("/boot").filter(isInitrdName);
  const files = distinctFiles(
    tree,
    names.map((name) => `/boot/${name}`),
  );
  const ofKernel = files.find(({ path }) => isFor(path, kernelVersion));
  if (ofKernel !== undefined) {
    return { file: ofKernel, reason: `it is the one for kernel ${kernelVersion}` };
  }
  if (linked !== undefined) return linked;
  const [only, ...others] = files.filter(({ path }) => mayBeFor(path, kernelVersion));
  if (only !== undefined && others.length === 0)
    return { file: only, reason: "it is the only one" };
  if (files.length > 0) {
    const paths = files.map(({ path }) => display(path)).join(", ");
    throw noInitrd(`Of the image's initrds (${paths}), not exactly one fits the kernel.`);
  }
  if (isTrustedBoot) throw trustedBoot();
  throw noInitrd("The image has a kernel, but no initrd in /boot.");
}

/** True for a path at which an initrd may be found, so that its contents are worth keeping. */
export function isInitrdPath(path: string): boolean {
  const name = /^boot\/([^/]+)$/.exec(path)?.[1];
  return name !== undefined && isInitrdName(name);
}

function findWantedInitrd(tree: ImageTree, wanted: string): Initrd {
  const file = tree.file(wanted);
  if (file !== undefined) return { file, reason: "--initrd names it" };
  throw noInitrd(`The image has no file ${display(wanted)} to use as the initrd.`);
}

function isInitrdName(name: string): boolean {
  return (
    initrdPrefixes.some((prefix) => name.startsWith(prefix)) &&
    !/kdump|rescue|\.(hmac|old|bak)$/.test(name)
  );
}

/** The version in `initrd-VERSION`, `initrd.img-VERSION` or `initramfs-VERSION.img`. */
function versionIn(path: ByteString): string | undefined {
  return /\/?(?:initrd|initramfs)(?:\.img)?-([^/]+?)(?:\.img)?$/.exec(path)?.[1];
}

/** Alpine's `initramfs-lts` belongs to kernels whose version ends with `-lts`. */
function isFor(path: ByteString, kernelVersion: string | undefined): boolean {
  const version = versionIn(path);
  if (version === undefined || kernelVersion === undefined) return false;
  return version === kernelVersion || kernelVersion.endsWith(`-${version}`);
}

function isForAnother(path: ByteString, kernelVersion: string | undefined): boolean {
  return versionIn(path) !== undefined && !isFor(path, kernelVersion);
}

/** False for the initrd of another kernel, which would lack this kernel's modules. */
function mayBeFor(path: ByteString, kernelVersion: string | undefined): boolean {
  const version = versionIn(path);
  return (
    kernelVersion === undefined ||
    version === undefined ||
    version === kernelVersion ||
    !/^[0-9]/.test(version)
  );
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
