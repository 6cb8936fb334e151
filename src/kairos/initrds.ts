import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import type { ImageFile, ImageTree } from "./image-tree.js";
import { distinctFiles } from "./kernels.js";

const prefixes = ["initrd", "initramfs"];
const links = ["initrd", "initramfs", "initrd.img", "initramfs.img"];

export interface Initrd {
  readonly file: ImageFile;
  /** Why this one, for people. */
  readonly reason: string;
}

/**
 * The initrd that goes with a kernel: the one its link names, unless that is another kernel's and
 * there is one of this, else the one of the kernel's version, else the only one.
 * @param wanted the path that the user gave
 * @throws NetbootError IMAGE_NO_INITRD, IMAGE_TRUSTED_BOOT
 */
export function findInitrd(
  tree: ImageTree,
  wanted: string | undefined,
  kernelVersion: string | undefined,
  { isTrustedBoot }: { isTrustedBoot: boolean },
): Initrd {
  if (wanted !== undefined) {
    const file = tree.file(wanted);
    if (file !== undefined) return { file, reason: "it was asked for" };
    throw noInitrd(`The image holds no file ${display(wanted)} to use as the initrd.`);
  }
  const linked = linkedInitrd(tree);
  // Where its name does not tell, nothing else is looked at: it may be in a layer that was not fetched.
  if (linked !== undefined && !isOfAnother(linked.file.path, kernelVersion)) return linked;
  const names = tree.list("/boot").filter(isInitrdName);
  const files = distinctFiles(
    tree,
    names.map((name) => `/boot/${name}`),
  );
  const ofKernel = files.find(({ path }) => isOf(path, kernelVersion));
  if (ofKernel !== undefined) {
    return { file: ofKernel, reason: `it is that of kernel ${kernelVersion}` };
  }
  if (linked !== undefined) return linked;
  const fitting = files.filter(({ path }) => mayBeOf(path, kernelVersion));
  if (fitting.length === 1) return { file: fitting[0]!, reason: "it is the only one" };
  if (files.length > 0) {
    const paths = files.map(({ path }) => display(path)).join(", ");
    throw noInitrd(`The image holds initrds (${paths}), but not just one that fits the kernel.`);
  }
  if (isTrustedBoot) throw trustedBoot();
  throw noInitrd("The image holds a kernel and no initrd in /boot.");
}

function linkedInitrd(tree: ImageTree): Initrd | undefined {
  for (const name of links) {
    const file = tree.file(`/boot/${name}`);
    if (file === undefined) continue;
    const how = tree.isSymlink(`/boot/${name}`) ? "links to it" : "is it";
    return { file, reason: `/boot/${name} ${how}` };
  }
  return undefined;
}

/** True for a path where an initrd is looked for, so that its contents may be kept. */
export function isInitrdPath(path: string): boolean {
  const match = /^boot\/([^/]+)$/.exec(path);
  return match !== null && isInitrdName(match[1]!);
}

function isInitrdName(name: string): boolean {
  return (
    prefixes.some((prefix) => name.startsWith(prefix)) &&
    !/kdump|rescue|\.(hmac|old|bak)$/.test(name)
  );
}

/** The version in `initrd-VERSION`, `initrd.img-VERSION`, `initramfs-VERSION.img`. */
function versionIn(path: ByteString): string | undefined {
  return /\/?(?:initrd|initramfs)(?:\.img)?-([^/]+?)(?:\.img)?$/.exec(path)?.[1];
}

/** Alpine's `initramfs-lts` belongs to kernels whose version ends in `-lts`. */
function isOf(path: ByteString, kernelVersion: string | undefined): boolean {
  const version = versionIn(path);
  if (version === undefined || kernelVersion === undefined) return false;
  return version === kernelVersion || kernelVersion.endsWith(`-${version}`);
}

function isOfAnother(path: ByteString, kernelVersion: string | undefined): boolean {
  return versionIn(path) !== undefined && !isOf(path, kernelVersion);
}

/** False for the initrd of another kernel: it would lack this one's modules. */
function mayBeOf(path: ByteString, kernelVersion: string | undefined): boolean {
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
    "The image is for trusted boot: its initrd is part of a signed UKI that is made later, so it cannot be netbooted this way.",
    "Use the image without trusted boot (its tag has no -uki).",
  );
}
