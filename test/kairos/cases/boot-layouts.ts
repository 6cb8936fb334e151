import { type BootCase, initrd, kernel, modules } from "../support/boot-case.js";
import { bzImageOf } from "../support/bz-image-of.js";
import type { Files } from "../support/facts-of.js";

/** Layouts of real images. */
export const distributions: readonly BootCase[] = [
  {
    name: "a distribution with systemd",
    files: {
      ...kernel("6.8.0-31-generic"),
      ...modules("6.8.0-31-generic"),
      "boot/vmlinuz": "-> /boot/vmlinuz-6.8.0-31-generic",
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.8.0-31-generic",
    version: "6.8.0-31-generic",
  },
  {
    name: "a distribution with systemd on Kairos v3.2.x, where the initrd is a relative link",
    files: {
      ...kernel("6.8.0-31-generic"),
      ...modules("6.8.0-31-generic"),
      "boot/vmlinuz": "-> /boot/vmlinuz-6.8.0-31-generic",
      "boot/initrd-6.8.0-31-generic": "initrd",
      "boot/initrd": "-> initrd-6.8.0-31-generic",
    },
    kernel: "/boot/vmlinuz-6.8.0-31-generic",
    version: "6.8.0-31-generic",
    initrd: "/boot/initrd-6.8.0-31-generic",
  },
  {
    name: "openSUSE on arm64",
    files: {
      "boot/Image-6.4.0-150600.21-default": "kernel",
      "boot/vmlinuz": "-> Image-6.4.0-150600.21-default",
      ...modules("6.4.0-150600.21-default"),
      ...initrd,
    },
    kernel: "/boot/Image-6.4.0-150600.21-default",
    version: "6.4.0-150600.21-default",
  },
  {
    name: "Debian on riscv64",
    files: { "boot/vmlinux-6.12.6-riscv64": "kernel", ...modules("6.12.6-riscv64"), ...initrd },
    kernel: "/boot/vmlinux-6.12.6-riscv64",
    version: "6.12.6-riscv64",
  },
  {
    name: "Jetson Orin",
    files: {
      "boot/vmlinuz": "kernel",
      "boot/Image": "-> vmlinuz",
      ...modules("5.15.136-tegra"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz",
    version: "5.15.136-tegra",
  },
  {
    name: "Jetson Orin with the kernel at /boot/Image",
    files: { "boot/Image": "kernel", ...modules("5.15.136-tegra"), ...initrd },
    kernel: "/boot/Image",
    version: "5.15.136-tegra",
  },
  {
    name: "Alpine",
    files: { "boot/vmlinuz-lts": "kernel", ...modules("6.6.31-0-lts"), ...initrd },
    kernel: "/boot/vmlinuz-lts",
    version: "6.6.31-0-lts",
  },
  {
    name: "Alpine on a Raspberry Pi",
    files: { "boot/vmlinuz-rpi": "kernel", ...modules("6.6.31-0-rpi"), ...initrd },
    kernel: "/boot/vmlinuz-rpi",
    version: "6.6.31-0-rpi",
  },
];

/** Files beside the modules of a kernel in /usr/lib, with or without a link at /lib. */
const inUsr = (version: string, names: readonly string[]): Files => ({
  ...modules(version, "usr/lib"),
  ...Object.fromEntries(names.map((name) => [`usr/lib/modules/${version}/${name}`, name])),
});
const fedora = "6.12.5-200.fc41.x86_64";
const newerFedora = "6.12.15-200.fc41.x86_64";
const bootc = ["vmlinuz", "initramfs.img", "config", "symvers.xz", ".vmlinuz.hmac"];

export const besideModules: readonly BootCase[] = [
  ...Object.entries({
    "bootc, without /lib and /boot": {},
    "bootc, with a link at /lib": { lib: "-> usr/lib" },
    "bootc, with an empty /boot": { boot: null },
    "bootc, with a boot program in /boot": { "boot/efi/EFI/fedora/shim.efi": "x" },
  } satisfies Record<string, Files>).map(([name, more]) => ({
    name,
    files: { ...inUsr(fedora, bootc), ...(more as Files) },
    kernel: `/usr/lib/modules/${fedora}/vmlinuz`,
    version: fedora,
    initrd: `/usr/lib/modules/${fedora}/initramfs.img`,
    reasons: ["it is the only one", `it is the one for kernel ${fedora}`] as const,
  })),
  {
    name: "bootc with two kernels",
    files: { ...inUsr(fedora, bootc), ...inUsr(newerFedora, bootc) },
    kernel: `/usr/lib/modules/${newerFedora}/vmlinuz`,
    initrd: `/usr/lib/modules/${newerFedora}/initramfs.img`,
  },
  {
    name: "bootc with a newer kernel that has no initrd",
    files: { ...inUsr(fedora, bootc), ...inUsr(newerFedora, ["vmlinuz"]) },
    kernel: `/usr/lib/modules/${fedora}/vmlinuz`,
    initrd: `/usr/lib/modules/${fedora}/initramfs.img`,
  },
  {
    name: "bootc with Kairos's initrd",
    files: { ...inUsr(fedora, bootc), ...initrd },
    kernel: `/usr/lib/modules/${fedora}/vmlinuz`,
    initrd: "/boot/initrd",
  },
  {
    name: "bootc with an incomplete kernel in /boot",
    files: { ...inUsr(fedora, bootc), ...kernel("6.12.1-100.fc41.x86_64") },
    kernel: `/usr/lib/modules/${fedora}/vmlinuz`,
    initrd: `/usr/lib/modules/${fedora}/initramfs.img`,
  },
  {
    name: "bootc with a copy of the kernel in /boot",
    files: { ...inUsr(fedora, bootc), ...kernel(fedora) },
    kernel: `/boot/vmlinuz-${fedora}`,
    initrd: `/usr/lib/modules/${fedora}/initramfs.img`,
    reasons: ["it is the only one", `it is the one for kernel ${fedora}`],
  },
  {
    name: "a /lib that is not a link",
    files: {
      "lib/modules/6.6.31-0-lts/modules.dep": "",
      "lib/modules/6.6.31-0-lts/kernel": null,
      "lib/modules/6.6.31-0-lts/vmlinuz": "kernel",
      "lib/modules/6.6.31-0-lts/initramfs.img": "initrd",
      "usr/lib/os-release": "",
    },
    kernel: "/lib/modules/6.6.31-0-lts/vmlinuz",
    version: "6.6.31-0-lts",
    initrd: "/lib/modules/6.6.31-0-lts/initramfs.img",
  },
  {
    name: "/usr/lib without /lib, and the kernel in /boot",
    files: { ...kernel("6.1.0-9"), ...kernel("6.1.0-10"), ...inUsr("6.1.0-9", []), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0-9",
    version: "6.1.0-9",
  },
  {
    name: "openSUSE on arm64, with dracut's initrd beside the modules",
    files: inUsr("6.4.0-1-default", ["Image", "initrd", "vmlinux.xz"]),
    kernel: "/usr/lib/modules/6.4.0-1-default/Image",
    initrd: "/usr/lib/modules/6.4.0-1-default/initrd",
  },
];

const archVersion = "6.12.1-arch1-1";
const ltsVersion = "6.6.63-1-lts";
const arch: Files = {
  ...inUsr(archVersion, ["pkgbase"]),
  [`usr/lib/modules/${archVersion}/vmlinuz`]: bzImageOf(archVersion),
  "boot/vmlinuz-linux": bzImageOf(archVersion),
  "boot/initramfs-linux.img": "initrd",
  "boot/initramfs-linux-fallback.img": "fallback",
  "boot/amd-ucode.img": "microcode",
};
const archLts: Files = {
  ...inUsr(ltsVersion, ["pkgbase"]),
  [`usr/lib/modules/${ltsVersion}/vmlinuz`]: bzImageOf(ltsVersion),
  "boot/vmlinuz-linux-lts": bzImageOf(ltsVersion),
  "boot/initramfs-linux-lts.img": "initrd of lts",
  "boot/initramfs-linux-lts-fallback.img": "fallback of lts",
};
const archKernel = { kernel: "/boot/vmlinuz-linux", version: archVersion } as const;

export const archLinux: readonly BootCase[] = [
  {
    name: "one kernel",
    files: arch,
    ...archKernel,
    initrd: "/boot/initramfs-linux.img",
    reasons: ["it is the only one", `it is the one for kernel ${archVersion}`],
  },
  {
    name: "two kernels",
    files: { ...arch, ...archLts },
    ...archKernel,
    initrd: "/boot/initramfs-linux.img",
  },
  {
    name: "two kernels, the newer one without an initrd",
    files: {
      ...arch,
      ...archLts,
      "boot/initramfs-linux.img": "",
      "boot/initramfs-linux-fallback.img": "",
    },
    kernel: "/boot/vmlinuz-linux-lts",
    version: ltsVersion,
    initrd: "/boot/initramfs-linux-lts.img",
  },
  {
    name: "the older of two kernels if the user names it",
    files: { ...arch, ...archLts },
    wanted: { kernel: "/boot/vmlinuz-linux-lts" },
    kernel: "/boot/vmlinuz-linux-lts",
    version: ltsVersion,
    initrd: "/boot/initramfs-linux-lts.img",
  },
  {
    name: "only a fallback",
    files: { ...arch, "boot/initramfs-linux.img": "" },
    ...archKernel,
    initrd: "/boot/initramfs-linux-fallback.img",
  },
  {
    name: "a kernel that does not state its version",
    files: {
      ...arch,
      "boot/vmlinuz-linux": "compressed",
      [`usr/lib/modules/${archVersion}/vmlinuz`]: "",
    },
    ...archKernel,
    initrd: "/boot/initramfs-linux.img",
  },
];

/** Images without an initrd for the kernel. */
export const noInitrd = {
  besideModules: inUsr(fedora, ["vmlinuz"]),
  ofTheFlavor: {
    ...arch,
    ...archLts,
    "boot/initramfs-linux.img": "",
    "boot/initramfs-linux-fallback.img": "",
  },
} satisfies Record<string, Files>;
