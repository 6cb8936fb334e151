import type { Files, Wanted } from "./facts-of.js";

/** An image, and the kernel and the initrd that belong together in it. */
export interface BootCase {
  readonly name: string;
  readonly files: Files;
  readonly wanted?: Wanted;
  readonly kernel: string;
  readonly version?: string;
  /** Default: `/boot/initrd`. */
  readonly initrd?: string;
  /** Why the kernel and the initrd were chosen. */
  readonly reasons?: readonly [kernel: string, initrd: string];
}

/** The complete modules of a kernel. */
export const modules = (version: string, lib = "lib"): Files => ({
  [`${lib}/modules/${version}/modules.dep`]: "kernel/fs/squashfs.ko:",
  [`${lib}/modules/${version}/kernel/fs/squashfs.ko`]: "module",
});

export const kernel = (version: string): Files => ({
  [`boot/vmlinuz-${version}`]: `kernel ${version}`,
});

export const initrd: Files = { "boot/initrd": "initrd" };

/** Debian's linux-update-symlinks maintains these links, and /boot has no other. */
export const debianLinks: Files = {
  vmlinuz: "-> boot/vmlinuz-6.1.0-25-amd64",
  "vmlinuz.old": "-> boot/vmlinuz-6.1.0-31-amd64",
  "initrd.img": "-> boot/initrd.img-6.1.0-25-amd64",
  "initrd.img.old": "-> boot/initrd.img-6.1.0-31-amd64",
};
export const debian: Files = {
  ...kernel("6.1.0-25-amd64"),
  ...kernel("6.1.0-31-amd64"),
  ...modules("6.1.0-25-amd64"),
  ...modules("6.1.0-31-amd64"),
  "boot/initrd.img-6.1.0-25-amd64": "initrd",
  "boot/initrd.img-6.1.0-31-amd64": "initrd of the newer kernel",
};
