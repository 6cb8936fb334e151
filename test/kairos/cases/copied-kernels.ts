import { type BootCase, initrd, modules } from "../support/boot-case.js";
import { bzImageOf } from "../support/bz-image-of.js";
import type { Files } from "../support/facts-of.js";

/** Two kernels with modules and initrds, and what an installer copied instead of linking. */
const twoKernels: Files = {
  "boot/vmlinuz-6.1.0-9": bzImageOf("6.1.0-9"),
  "boot/vmlinuz-6.1.0-10": bzImageOf("6.1.0-10"),
  ...modules("6.1.0-9"),
  ...modules("6.1.0-10"),
  "boot/initrd.img-6.1.0-9": "initrd of 9",
  "boot/initrd.img-6.1.0-10": "initrd of 10",
};
export const copies: readonly BootCase[] = [
  ...["6.1.0-9", "6.1.0-10"].map((version) => ({
    name: `a copy of ${version}`,
    files: { ...twoKernels, "boot/vmlinuz": bzImageOf(version) },
    kernel: "/boot/vmlinuz",
    version,
    initrd: `/boot/initrd.img-${version}`,
    reasons: ["it has the default name", `it is the one for kernel ${version}`] as const,
  })),
  {
    name: "a copy of the kernel and one of the initrd",
    files: { ...twoKernels, "boot/vmlinuz": bzImageOf("6.1.0-9"), ...initrd },
    kernel: "/boot/vmlinuz",
    version: "6.1.0-9",
  },
  {
    name: "a copy of a kernel whose modules are incomplete",
    files: {
      ...twoKernels,
      "boot/vmlinuz": bzImageOf("6.1.0-10"),
      "lib/modules/6.1.0-10/kernel": "",
    },
    kernel: "/boot/vmlinuz-6.1.0-9",
    version: "6.1.0-9",
    initrd: "/boot/initrd.img-6.1.0-9",
  },
  {
    name: "a copy with the name of a flavor",
    files: {
      "boot/vmlinuz-generic": bzImageOf("6.1.0-9-generic"),
      ...modules("6.1.0-9-generic"),
      ...modules("6.1.0-10-generic"),
      "boot/initrd.img-6.1.0-9-generic": "initrd",
      "boot/initrd.img-6.1.0-10-generic": "another initrd",
    },
    kernel: "/boot/vmlinuz-generic",
    version: "6.1.0-9-generic",
    initrd: "/boot/initrd.img-6.1.0-9-generic",
  },
];
