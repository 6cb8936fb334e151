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
}

interface Missing {
  readonly name: string;
  readonly files: Files;
  readonly wanted?: Wanted;
  readonly code: string;
  readonly message: RegExp;
}

/** The modules of a kernel, complete. */
const modules = (version: string): Files => ({
  [`lib/modules/${version}/modules.dep`]: "kernel/fs/squashfs.ko:",
  [`lib/modules/${version}/kernel/fs/squashfs.ko`]: "module",
});
const kernel = (version: string): Files => ({ [`boot/vmlinuz-${version}`]: `kernel ${version}` });
const initrd: Files = { "boot/initrd": "initrd" };

/** The table of facts/kairos.md, "Where kernel and initrd are". */
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
    name: "the same on v3.2.x, where the initrd is a relative link",
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
    name: "Jetson Orin, the other way about",
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
    name: "through a chain of links, relative and absolute",
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
    name: "through an absolute link with more .. than there are directories, kept in the image",
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
    name: "through a link in place of /boot",
    files: { boot: "-> /usr/boot", "usr/boot/vmlinuz": "kernel", "usr/boot/initrd": "initrd" },
    kernel: "/usr/boot/vmlinuz",
    initrd: "/usr/boot/initrd",
  },
  {
    name: "beside the modules, in a merged /usr",
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
    name: "beside the modules, where /boot has none",
    files: { "lib/modules/6.4.0-1/vmlinuz": "kernel", ...initrd },
    kernel: "/lib/modules/6.4.0-1/vmlinuz",
    version: "6.4.0-1",
  },
  {
    name: "in spite of a link that leads nowhere",
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
    name: "in spite of a link that leads to itself",
    files: { "boot/vmlinuz": "-> vmlinuz", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "in spite of a directory of that name",
    files: { "boot/vmlinuz": null, ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "in spite of an empty file of that name",
    files: { "boot/vmlinuz": "", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
];

const several: readonly Found[] = [
  {
    name: "the one that the link names, even if it is older",
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
    name: "the one that the link names, also where kernels are called vmlinux",
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
    name: `never the uncompressed ${name} beside it`,
    files: {
      [`boot/${name}`]: "for debuggers",
      ...kernel("6.1.0"),
      ...modules("6.1.0"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0",
  })),
  {
    name: "the initrd of the kernel's version, though the link names that of another",
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
    name: "the initrd that the link names, where there is none of the kernel's version",
    files: {
      ...kernel("6.1.0-10"),
      "boot/initrd-6.1.0": "initrd",
      "boot/initrd": "-> initrd-6.1.0",
    },
    kernel: "/boot/vmlinuz-6.1.0-10",
    initrd: "/boot/initrd-6.1.0",
  },
  {
    name: "without a link, the one whose modules are complete",
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
    name: "without complete modules, the newest",
    files: { ...kernel("6.1.0-9"), ...kernel("6.1.0-10"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0-10",
    version: "6.1.0-10",
  },
  {
    name: "with the modules of all complete, the newest",
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
    name: "never that for rescue",
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
    name: "never the checksum that FIPS images have beside it",
    files: {
      "boot/.vmlinuz-6.1.0.hmac": "sum",
      "boot/vmlinuz-6.1.0.hmac": "sum",
      ...kernel("6.1.0"),
      ...initrd,
    },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "never what an update kept of the last",
    files: { "boot/vmlinuz.old": "-> vmlinuz-6.0.0", ...kernel("6.1.0"), ...initrd },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "the initrd of the kernel's version, not that of another that begins alike",
    files: {
      ...kernel("6.1.0-1"),
      "boot/initrd-6.1.0-10": "of another kernel",
      "boot/initrd.img-6.1.0-1": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0-1",
    initrd: "/boot/initrd.img-6.1.0-1",
  },
  {
    name: "the initrd of the kernel's version, not that for a crash",
    files: {
      ...kernel("6.1.0"),
      "boot/initramfs-6.1.0kdump.img": "of a crash kernel",
      "boot/initramfs-6.1.0.img": "initrd",
    },
    kernel: "/boot/vmlinuz-6.1.0",
    initrd: "/boot/initramfs-6.1.0.img",
  },
];

const asked: readonly Found[] = [
  {
    name: "a kernel and an initrd anywhere",
    files: { ...kernel("6.1.0"), ...initrd, "opt/kernel": "k", "opt/initrd": "i" },
    wanted: { kernel: "/opt/kernel", initrd: "/opt/initrd" },
    kernel: "/opt/kernel",
    initrd: "/opt/initrd",
  },
  {
    name: "a kernel through a link",
    files: { ...kernel("6.1.0"), ...initrd, "opt/kernel": "-> /boot/vmlinuz-6.1.0" },
    wanted: { kernel: "/opt/kernel" },
    kernel: "/boot/vmlinuz-6.1.0",
    version: "6.1.0",
  },
  {
    name: "a kernel that would not be chosen",
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
    name: "another kernel than the linked one, with its own initrd",
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
    name: "a path that leads out of the image, which is kept in it",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/../../boot/vmlinuz-6.1.0" },
    kernel: "/boot/vmlinuz-6.1.0",
  },
  {
    name: "an initrd for an image for trusted boot",
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
    name: "a kernel that was asked for and is not there",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/boot/other" },
    code: "IMAGE_NO_KERNEL",
    message: /\/boot\/other/,
  },
  {
    name: "a kernel that was asked for and is a directory",
    files: { ...kernel("6.1.0"), ...initrd },
    wanted: { kernel: "/boot" },
    code: "IMAGE_NO_KERNEL",
    message: /\/boot/,
  },
  {
    name: "an initrd that was asked for and is a link to nowhere",
    files: { ...kernel("6.1.0"), ...initrd, "opt/initrd": "-> nowhere" },
    wanted: { initrd: "/opt/initrd" },
    code: "IMAGE_NO_INITRD",
    message: /\/opt\/initrd/,
  },
];

const tables = { distributions, links, "several kernels": several, "what was asked for": asked };
for (const [title, table] of Object.entries(tables)) {
  describe(`kernel and initrd are found: ${title}`, () => {
    for (const { name, files, wanted, ...expected } of table) {
      it(name, async () => {
        const facts = await factsOf(files, wanted);
        assert.equal(facts.kernel.file.path, expected.kernel);
        assert.equal(facts.initrd.file.path, expected.initrd ?? "/boot/initrd");
        if (expected.version !== undefined) assert.equal(facts.kernel.version, expected.version);
        assert.match(facts.kernel.reason, /\w/);
        assert.match(facts.initrd.reason, /\w/);
      });
    }
  });
}

describe("kernel and initrd are not found", () => {
  for (const { name, files, wanted, code, message } of missing) {
    it(`in ${name}`, async () => {
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
