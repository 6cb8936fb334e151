import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetbootError } from "../../src/support/index.js";
import { type Files, factsOf, type Wanted } from "./support/facts-of.js";

interface Found {
  readonly name: string;
  readonly files: Files;
  readonly wanted?: Wanted;
  readonly kernel: string;
  readonly version?: string;
  readonly initrd?: string;
  /** Why the kernel and the initrd were chosen. */
  readonly reasons?: readonly [kernel: string, initrd: string];
}

interface Missing {
  readonly name: string;
  readonly files: Files;
  readonly wanted?: Wanted;
  readonly code: string;
  readonly message: RegExp;
}

/** The complete modules of a kernel. */
const modules = (version: string): Files => ({
  [`lib/modules/${version}/modules.dep`]: "kernel/fs/squashfs.ko:",
  [`lib/modules/${version}/kernel/fs/squashfs.ko`]: "module",
});
const kernel = (version: string): Files => ({ [`boot/vmlinuz-${version}`]: `kernel ${version}` });
const initrd: Files = { "boot/initrd": "initrd" };

/** Layouts of real images. */
const distributions: readonly Found[] = [
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

const links: readonly Found[] = [
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

/** Debian's linux-update-symlinks maintains these links, and /boot has no other. */
const debianLinks: Files = {
  vmlinuz: "-> boot/vmlinuz-6.1.0-25-amd64",
  "vmlinuz.old": "-> boot/vmlinuz-6.1.0-31-amd64",
  "initrd.img": "-> boot/initrd.img-6.1.0-25-amd64",
  "initrd.img.old": "-> boot/initrd.img-6.1.0-31-amd64",
};
const debian: Files = {
  ...kernel("6.1.0-25-amd64"),
  ...kernel("6.1.0-31-amd64"),
  ...modules("6.1.0-25-amd64"),
  ...modules("6.1.0-31-amd64"),
  "boot/initrd.img-6.1.0-25-amd64": "initrd",
  "boot/initrd.img-6.1.0-31-amd64": "initrd of the newer kernel",
};

const rootLinks: readonly Found[] = [
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
      "it is the newest of 2 kernels with complete modules",
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

const several: readonly Found[] = [
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

const requested: readonly Found[] = [
  {
    name: "uses a kernel and an initrd anywhere in the image",
    files: { ...kernel("6.1.0"), ...initrd, "opt/kernel": "k", "opt/initrd": "i" },
    wanted: { kernel: "/opt/kernel", initrd: "/opt/initrd" },
    kernel: "/opt/kernel",
    initrd: "/opt/initrd",
  },
  {
    name: "follows a link to a kernel",
    files: { ...kernel("6.1.0"), ...initrd, "opt/kernel": "-> /boot/vmlinuz-6.1.0" },
    wanted: { kernel: "/opt/kernel" },
    kernel: "/boot/vmlinuz-6.1.0",
    version: "6.1.0",
  },
  {
    name: "uses a kernel that would not be chosen otherwise",
    files: {
      ...kernel("6.1.0"),
      "boot/vmlinuz": "-> vmlinuz-6.1.0",
      ...initrd,
      "boot/vmlinuz-rescue": "k",
    },
    wanted: { kernel: "/boot/vmlinuz-rescue" },
    kernel: "/boot/vmlinuz-rescue",
  },
  {
    name: "uses a kernel other than the linked one, with its own initrd",
    files: {
      ...kernel("5.10.0"),
      ...kernel("6.1.0"),
      "boot/vmlinuz": "-> vmlinuz-6.1.0",
      "boot/initrd-5.10.0": "initrd",
      "boot/initrd-6.1.0": "of another kernel",
      "boot/initrd": "-> initrd-6.1.0",
    },
    wanted: { kernel: "/boot/vmlinuz-5.10.0" },
    kernel: "/boot/vmlinuz-5.10.0",
    initrd: "/boot/initrd-5.10.0",
  },
  {
    name: "keeps a path with too many .. inside the image",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/../../boot/vmlinuz-6.1.0" },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "uses an initrd in an image for trusted boot",
    files: {
      ...kernel("6.1.0"),
      "opt/initrd": "i",
      "etc/kairos-release": "KAIROS_TRUSTED_BOOT=true",
    },
    wanted: { initrd: "/opt/initrd" },
    kernel: "/boot/vmlinuz-6.1.0",
    initrd: "/opt/initrd",
  },
];

const missing: readonly Missing[] = [
  {
    name: "an image without a kernel",
    files: { ...initrd, "boot/config-6.1.0": "x", "boot/System.map-6.1.0": "x" },
    code: "IMAGE_NO_KERNEL",
    message: /no kernel/,
  },
  {
    name: "an image whose only kernel is a checksum",
    files: { ...initrd, "boot/.vmlinuz-6.1.0.hmac": "x", "boot/vmlinuz-6.1.0.hmac": "x" },
    code: "IMAGE_NO_KERNEL",
    message: /no kernel/,
  },
  {
    name: "an image whose only kernel is a link to nowhere",
    files: { ...initrd, "boot/vmlinuz": "-> /boot/vmlinuz-6.1.0" },
    code: "IMAGE_NO_KERNEL",
    message: /no kernel/,
  },
  {
    name: "an image without an initrd",
    files: kernel("6.1.0"),
    code: "IMAGE_NO_INITRD",
    message: /no initrd/,
  },
  {
    name: "an image with initrds for other kernels only",
    files: {
      ...kernel("6.1.0-1"),
      "boot/initrd-6.1.0-10": "of another",
      "boot/initrd-6.1.0-11": "of another",
    },
    code: "IMAGE_NO_INITRD",
    message: /initrd-6\.1\.0-10, .*initrd-6\.1\.0-11/,
  },
  {
    name: "an image for trusted boot",
    files: { ...kernel("6.1.0"), "etc/kairos-release": 'KAIROS_TRUSTED_BOOT="true"' },
    code: "IMAGE_TRUSTED_BOOT",
    message: /trusted boot/,
  },
  {
    name: "a raw disk in a scratch image",
    files: { "build/kairos.raw": "disk" },
    code: "IMAGE_IS_RAW_DISK",
    message: /raw disk \(\/build\/kairos\.raw\)/,
  },
  {
    name: "a requested kernel that does not exist",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/boot/other" },
    code: "IMAGE_NO_KERNEL",
    message: /\/boot\/other/,
  },
  {
    name: "a requested kernel that is a directory",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/boot" },
    code: "IMAGE_NO_KERNEL",
    message: /\/boot/,
  },
  {
    name: "a requested initrd that is a dangling link",
    files: { ...kernel("6.1.0"), ...initrd, "opt/initrd": "-> nowhere" },
    wanted: { initrd: "/opt/initrd" },
    code: "IMAGE_NO_INITRD",
    message: /\/opt\/initrd/,
  },
];

const tables = {
  "in the layouts of distributions": distributions,
  "through links": links,
  "through links in the root directory": rootLinks,
  "among several": several,
  "at paths that the user named": requested,
};
for (const [where, table] of Object.entries(tables)) {
  describe(`readKairosFacts finds the kernel and the initrd ${where}`, () => {
    for (const { name, files, wanted, ...expected } of table) {
      it(name, async () => {
        const facts = await factsOf(files, wanted);
        assert.equal(facts.kernel.file.path, expected.kernel);
        assert.equal(facts.initrd.file.path, expected.initrd ?? "/boot/initrd");
        if (expected.version !== undefined) assert.equal(facts.kernel.version, expected.version);
        const reasons = [facts.kernel.reason, facts.initrd.reason];
        if (expected.reasons !== undefined) assert.deepEqual(reasons, expected.reasons);
        for (const reason of reasons) assert.match(reason, /\w/);
      });
    }
  });
}

describe("readKairosFacts rejects", () => {
  for (const { name, files, wanted, code, message } of missing) {
    it(name, async () => {
      await assert.rejects(factsOf(files, wanted), (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.equal(error.code, code);
        assert.equal(error.exitStatus, 4);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
