import { type BootCase, debian, debianLinks, initrd, kernel } from "../support/boot-case.js";

export const links: readonly BootCase[] = [
  {
    name: "follows a chain of relative and absolute links",
    files: {
      "boot/vmlinuz": "-> /vmlinuz",
      vmlinuz: "-> boot/../boot/current",
      "boot/current": "-> vmlinuz-6.1.0",
      ...kernel("6.1.0"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0",
    version: "6.1.0",
  },
  {
    name: "keeps a link with too many .. inside the image",
    files: {
      "boot/vmlinuz": "-> /../../../boot/vmlinuz-6.1.0",
      ...kernel("6.1.0"),
      "boot/initrd": "-> ../../../../boot/initrd-6.1.0",
      "boot/initrd-6.1.0": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0",
    initrd: "/boot/initrd-6.1.0",
  },
  {
    name: "follows a link at /boot itself",
    files: { boot: "-> /usr/boot", "usr/boot/vmlinuz": "kernel", "usr/boot/initrd": "initrd" },
    kernel: "/usr/boot/vmlinuz",
    initrd: "/usr/boot/initrd",
  },
  {
    name: "follows links to a kernel beside the modules, in a merged /usr",
    files: {
      lib: "-> usr/lib",
      "usr/lib/modules/6.4.0-1-default/vmlinuz": "kernel",
      "boot/vmlinuz-6.4.0-1-default": "-> ../usr/lib/modules/6.4.0-1-default/vmlinuz",
      "boot/vmlinuz": "-> vmlinuz-6.4.0-1-default",
      ...initrd,
    },
    kernel: "/usr/lib/modules/6.4.0-1-default/vmlinuz",
    version: "6.4.0-1-default",
  },
  {
    name: "uses a kernel beside the modules if /boot has none",
    files: { "lib/modules/6.4.0-1/vmlinuz": "kernel", ...initrd },
    kernel: "/lib/modules/6.4.0-1/vmlinuz",
    version: "6.4.0-1",
  },
  {
    name: "ignores links that lead nowhere",
    files: {
      "boot/vmlinuz": "-> vmlinuz-5.0.0",
      ...kernel("6.1.0"),
      "boot/initrd": "-> /boot/initrd-5.0.0",
      "boot/initrd-6.1.0": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0",
    version: "6.1.0",
    initrd: "/boot/initrd-6.1.0",
  },
  {
    name: "ignores a link that leads to itself",
    files: { "boot/vmlinuz": "-> vmlinuz", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "ignores a directory at /boot/vmlinuz",
    files: { "boot/vmlinuz": null, ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "ignores an empty file at /boot/vmlinuz",
    files: { "boot/vmlinuz": "", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
];

export const rootLinks: readonly BootCase[] = [
  {
    name: "Debian's links in the root directory choose the older of two kernels",
    files: { ...debian, ...debianLinks },
    kernel: "/boot/vmlinuz-6.1.0-25-amd64",
    version: "6.1.0-25-amd64",
    initrd: "/boot/initrd.img-6.1.0-25-amd64",
    reasons: ["/vmlinuz links to it", "/initrd.img links to it"],
  },
  {
    name: "without those links, the newer kernel is chosen",
    files: debian,
    kernel: "/boot/vmlinuz-6.1.0-31-amd64",
    initrd: "/boot/initrd.img-6.1.0-31-amd64",
    reasons: [
      "it is the newest of 2 kernels with an initrd and complete modules",
      "it is the one for kernel 6.1.0-31-amd64",
    ],
  },
  {
    name: "links in /boot take precedence",
    files: {
      ...debian,
      ...debianLinks,
      "boot/vmlinuz": "-> vmlinuz-6.1.0-31-amd64",
      "boot/initrd.img": "-> initrd.img-6.1.0-31-amd64",
    },
    kernel: "/boot/vmlinuz-6.1.0-31-amd64",
    initrd: "/boot/initrd.img-6.1.0-31-amd64",
    reasons: ["/boot/vmlinuz links to it", "/boot/initrd.img links to it"],
  },
  {
    name: "Debian on riscv64 links /vmlinux",
    files: {
      "boot/vmlinux-6.12.6-riscv64": "kernel",
      "boot/vmlinux-6.12.9-riscv64": "newer kernel",
      vmlinux: "-> boot/vmlinux-6.12.6-riscv64",
      ...initrd,
    },
    kernel: "/boot/vmlinux-6.12.6-riscv64",
    version: "6.12.6-riscv64",
    reasons: ["/vmlinux links to it", "it has the default name"],
  },
  {
    name: "a link in the root directory that leads nowhere is ignored",
    files: { vmlinuz: "-> boot/vmlinuz-5.0.0", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
    reasons: ["it is the only one", "it has the default name"],
  },
  {
    name: "a file in the root directory is ignored",
    files: { vmlinuz: "not a link", "initrd.img": "not a link", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
    reasons: ["it is the only one", "it has the default name"],
  },
  {
    name: "an initrd link for another kernel does not hide the kernel's own initrd",
    files: {
      ...debian,
      vmlinuz: "-> boot/vmlinuz-6.1.0-25-amd64",
      "initrd.img": "-> boot/initrd.img-6.1.0-31-amd64",
    },
    kernel: "/boot/vmlinuz-6.1.0-25-amd64",
    initrd: "/boot/initrd.img-6.1.0-25-amd64",
    reasons: ["/vmlinuz links to it", "it is the one for kernel 6.1.0-25-amd64"],
  },
];
