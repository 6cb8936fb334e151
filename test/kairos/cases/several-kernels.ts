import { type BootCase, debian, initrd, kernel, modules } from "../support/boot-case.js";
import type { Files } from "../support/facts-of.js";

export const several: readonly BootCase[] = [
  {
    name: "chooses the kernel that the link names, even if it is older",
    files: {
      ...kernel("6.1.0-9"),
      ...kernel("6.1.0-10"),
      ...modules("6.1.0-9"),
      ...modules("6.1.0-10"),
      "boot/vmlinuz": "-> vmlinuz-6.1.0-9",
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0-9",
    version: "6.1.0-9",
  },
  {
    name: "chooses the kernel that the link names if kernels are called vmlinux",
    files: {
      "boot/vmlinux-6.1.0-9-riscv64": "kernel",
      "boot/vmlinux-6.1.0-10-riscv64": "kernel",
      ...modules("6.1.0-9-riscv64"),
      ...modules("6.1.0-10-riscv64"),
      "boot/vmlinux": "-> vmlinux-6.1.0-9-riscv64",
      ...initrd,
    },
    kernel: "/boot/vmlinux-6.1.0-9-riscv64",
    version: "6.1.0-9-riscv64",
  },
  ...["vmlinux", "vmlinux-6.1.0"].map((name) => ({
    name: `prefers a compressed kernel to ${name}`,
    files: {
      [`boot/${name}`]: "for debuggers",
      ...kernel("6.1.0"),
      ...modules("6.1.0"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0",
  })),
  {
    name: "prefers the initrd of the kernel's version to a link to another kernel's initrd",
    files: {
      ...kernel("6.1.0-10"),
      "boot/initrd-6.1.0-9": "of another kernel",
      "boot/initrd-6.1.0-10": "initrd",
      "boot/initrd": "-> initrd-6.1.0-9",
    },
    kernel: "/boot/vmlinuz-6.1.0-10",
    initrd: "/boot/initrd-6.1.0-10",
  },
  {
    name: "uses the linked initrd if none has the kernel's version",
    files: {
      ...kernel("6.1.0-10"),
      "boot/initrd-6.1.0": "initrd",
      "boot/initrd": "-> initrd-6.1.0",
    },
    kernel: "/boot/vmlinuz-6.1.0-10",
    initrd: "/boot/initrd-6.1.0",
  },
  {
    name: "without a link, chooses the kernel with complete modules",
    files: {
      ...kernel("6.1.0-9"),
      ...modules("6.1.0-9"),
      ...kernel("6.1.0-10"),
      "lib/modules/6.1.0-10/modules.builtin": "",
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0-9",
    version: "6.1.0-9",
  },
  {
    name: "without complete modules, chooses the newest kernel",
    files: { ...kernel("6.1.0-9"), ...kernel("6.1.0-10"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0-10",
    version: "6.1.0-10",
  },
  {
    name: "if all modules are complete, chooses the newest kernel",
    files: {
      ...kernel("6.1.0-9"),
      ...modules("6.1.0-9"),
      ...kernel("6.1.0-10"),
      ...modules("6.1.0-10"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0-10",
    version: "6.1.0-10",
  },
  {
    name: "never chooses a rescue kernel",
    files: {
      ...kernel("6.1.0"),
      "boot/vmlinuz-0-rescue-5f2c9a": "rescue",
      "boot/initramfs-0-rescue-5f2c9a.img": "rescue",
      "boot/initramfs-6.1.0.img": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0",
    initrd: "/boot/initramfs-6.1.0.img",
  },
  {
    name: "never chooses the checksum of a FIPS image",
    files: {
      "boot/.vmlinuz-6.1.0.hmac": "sum",
      "boot/vmlinuz-6.1.0.hmac": "sum",
      ...kernel("6.1.0"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "never chooses the previous kernel that an update kept",
    files: { "boot/vmlinuz.old": "-> vmlinuz-6.0.0", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "does not confuse versions that begin alike",
    files: {
      ...kernel("6.1.0-1"),
      "boot/initrd-6.1.0-10": "of another kernel",
      "boot/initrd.img-6.1.0-1": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0-1",
    initrd: "/boot/initrd.img-6.1.0-1",
  },
  {
    name: "never chooses the initrd of a crash kernel",
    files: {
      ...kernel("6.1.0"),
      "boot/initramfs-6.1.0kdump.img": "of a crash kernel",
      "boot/initramfs-6.1.0.img": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0",
    initrd: "/boot/initramfs-6.1.0.img",
  },
];

/** The first kernel of RHEL 8.10 and two updates: rpm says which one is the newest. */
const rhel: Files = Object.assign(
  {},
  ...["553", "553.58.1", "553.64.1"].map((release) => {
    const version = `4.18.0-${release}.el8_10.x86_64`;
    return {
      ...kernel(version),
      ...modules(version),
      [`boot/initramfs-${version}.img`]: `initrd of ${version}`,
    };
  }),
);

export const incomplete: readonly BootCase[] = [
  {
    name: "chooses the newest of RHEL's updates",
    files: rhel,
    kernel: "/boot/vmlinuz-4.18.0-553.64.1.el8_10.x86_64",
    version: "4.18.0-553.64.1.el8_10.x86_64",
    initrd: "/boot/initramfs-4.18.0-553.64.1.el8_10.x86_64.img",
    reasons: [
      "it is the newest of 3 kernels with an initrd and complete modules",
      "it is the one for kernel 4.18.0-553.64.1.el8_10.x86_64",
    ],
  },
  {
    name: "chooses the release, not its candidate",
    files: {
      ...kernel("6.12~rc7-amd64"),
      ...modules("6.12~rc7-amd64"),
      ...kernel("6.12-amd64"),
      ...modules("6.12-amd64"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.12-amd64",
  },
  {
    name: "chooses the kernel that has an initrd",
    files: {
      ...debian,
      "boot/initrd.img-6.1.0-31-amd64": "",
    },
    kernel: "/boot/vmlinuz-6.1.0-25-amd64",
    initrd: "/boot/initrd.img-6.1.0-25-amd64",
    reasons: [
      "of 2 kernels, only this one has an initrd and complete modules",
      "it is the one for kernel 6.1.0-25-amd64",
    ],
  },
  {
    name: "chooses a kernel with an initrd and no modules rather than the reverse",
    files: {
      ...kernel("6.1.0-9"),
      "boot/initrd-6.1.0-9": "initrd",
      ...kernel("6.1.0-10"),
      ...modules("6.1.0-10"),
    },
    kernel: "/boot/vmlinuz-6.1.0-9",
    initrd: "/boot/initrd-6.1.0-9",
    reasons: ["of 2 kernels, only this one has an initrd", "it is the one for kernel 6.1.0-9"],
  },
  {
    name: "chooses another kernel if the linked one has no initrd",
    files: {
      ...debian,
      "boot/initrd.img-6.1.0-25-amd64": "",
      "boot/vmlinuz": "-> vmlinuz-6.1.0-25-amd64",
    },
    kernel: "/boot/vmlinuz-6.1.0-31-amd64",
    initrd: "/boot/initrd.img-6.1.0-31-amd64",
  },
  {
    name: "chooses another kernel if the linked one has no modules",
    files: {
      ...kernel("6.1.0-9"),
      ...kernel("6.1.0-10"),
      ...modules("6.1.0-10"),
      "boot/vmlinuz": "-> vmlinuz-6.1.0-9",
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0-10",
  },
  {
    name: "chooses the linked kernel if no other one is complete either",
    files: {
      ...kernel("6.1.0-9"),
      ...kernel("6.1.0-10"),
      "boot/vmlinuz": "-> vmlinuz-6.1.0-9",
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0-9",
    reasons: ["/boot/vmlinuz links to it", "it has the default name"],
  },
  {
    name: "with a requested initrd, every kernel has one",
    files: {
      ...kernel("6.1.0-9"),
      ...modules("6.1.0-9"),
      "boot/initrd-6.1.0-9": "initrd",
      ...kernel("6.1.0-10"),
      ...modules("6.1.0-10"),
    },
    wanted: { initrd: "/boot/initrd-6.1.0-9" },
    kernel: "/boot/vmlinuz-6.1.0-10",
    initrd: "/boot/initrd-6.1.0-9",
  },
];
