import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetbootError } from "../../src/support/index.js";
import { archLinux, besideModules, distributions, noInitrd } from "./cases/boot-layouts.js";
import { copies } from "./cases/copied-kernels.js";
import { links, rootLinks } from "./cases/linked-kernels.js";
import { incomplete, several } from "./cases/several-kernels.js";
import { type BootCase, initrd, kernel } from "./support/boot-case.js";
import { type Files, factsOf, type Wanted } from "./support/facts-of.js";

interface Missing {
  readonly name: string;
  readonly files: Files;
  readonly wanted?: Wanted;
  readonly code: string;
  readonly message: RegExp;
}

const requested: readonly BootCase[] = [
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
    name: "an image with modules, but without an initrd beside them",
    files: noInitrd.besideModules,
    code: "IMAGE_NO_INITRD",
    message: /no initrd in \/boot or beside the kernel's modules/,
  },
  {
    name: "an image with the initrd of another flavor",
    files: noInitrd.ofTheFlavor,
    wanted: { kernel: "/boot/vmlinuz-linux" },
    code: "IMAGE_NO_INITRD",
    message: /initramfs-linux-lts\.img/,
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
  "that are complete": incomplete,
  "beside the modules": besideModules,
  "of Arch Linux": archLinux,
  "if there are copies instead of links": copies,
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
