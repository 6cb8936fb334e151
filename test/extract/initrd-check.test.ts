import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ExtractEvent, extract } from "../../src/extract/index.js";
import { type InitrdFiles, newcArchive } from "../initrd/support/newc-archive.js";
import type { TarItem } from "../support/tar-builder.js";
import { imageOf } from "./support/images.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

const drivers: InitrdFiles = {
  "usr/lib/modules/6.1.0/kernel/fs/overlayfs/overlay.ko": "",
  "usr/lib/modules/6.1.0/kernel/fs/squashfs/squashfs.ko": "",
};
const complete: InitrdFiles = {
  "usr/bin/curl": "",
  "usr/lib/dracut/modules.txt": "systemd-networkd\nnetwork\ndmsquash-live\nlivenet\n",
  ...drivers,
};
const withoutDrivers = Object.fromEntries(
  Object.entries(complete).filter(([name]) => !(name in drivers)),
);
const base = (initrd: InitrdFiles | string): TarItem[] => [
  { name: "etc/", type: "directory" },
  {
    name: "etc/kairos-release",
    content:
      "KAIROS_FLAVOR=debian\nKAIROS_FLAVOR_RELEASE=12\nKAIROS_VARIANT=core\nKAIROS_ARCH=amd64\nKAIROS_MODEL=generic\nKAIROS_RELEASE=v1.2.3\n",
  },
  { name: "boot/", type: "directory" },
  { name: "boot/vmlinuz-6.1.0", content: "a kernel" },
  {
    name: "boot/initrd-6.1.0",
    content: typeof initrd === "string" ? initrd : newcArchive(initrd),
  },
];
const lacking = (what: string) => [
  `The initrd /boot/initrd-6.1.0 cannot netboot: it lacks ${what}.`,
];

interface Case {
  readonly name: string;
  readonly layers: readonly (readonly TarItem[])[];
  readonly warnings: readonly string[];
}

const cases: readonly Case[] = [
  { name: "an initrd that can netboot", layers: [base(complete)], warnings: [] },
  {
    name: "an initrd for local disks only",
    layers: [base({ "usr/lib/dracut/modules.txt": "systemd\nrootfs-block\nbase\n", ...drivers })],
    warnings: lacking(
      "the dracut module livenet, the dracut module dmsquash-live, a network module such as network-manager or systemd-networkd, and curl or wget",
    ),
  },
  {
    name: "an initrd without drivers",
    layers: [base(withoutDrivers)],
    warnings: lacking("the driver squashfs and the driver overlay"),
  },
  {
    name: "drivers that are built in according to the image's modules.builtin",
    layers: [
      [
        {
          name: "usr/lib/modules/6.1.0/modules.builtin",
          content: "kernel/fs/overlayfs/overlay.ko\nkernel/fs/squashfs/squashfs.ko\n",
        },
      ],
      base(withoutDrivers),
    ],
    warnings: [],
  },
  {
    name: "drivers that are built in according to the kernel's configuration",
    layers: [
      [
        ...base(withoutDrivers),
        { name: "boot/config-6.1.0", content: "CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZSTD=y\n" },
      ],
    ],
    warnings: lacking("the driver overlay"),
  },
  {
    name: "an initrd that neither dracut nor mkinitfs made",
    layers: [base({ init: "#!/bin/sh\n", "scripts/local": "" })],
    warnings: [],
  },
  { name: "an initrd that is not one", layers: [base("a text")], warnings: [] },
  {
    name: "a higher layer with the initrd of another kernel",
    layers: [
      base({ "usr/lib/dracut/modules.txt": "network-legacy dmsquash-live livenet", ...drivers }),
      [{ name: "boot/initrd-5.10.0", content: newcArchive(complete) }],
    ],
    warnings: lacking("curl or wget"),
  },
  {
    name: "a higher layer with a better initrd",
    layers: [base(withoutDrivers), [{ name: "boot/initrd-6.1.0", content: newcArchive(complete) }]],
    warnings: [],
  },
  {
    name: "an initrd that is a hard link to a file elsewhere",
    layers: [
      [
        ...base(complete).filter(({ name }) => name !== "boot/initrd-6.1.0"),
        { name: "objects/1.file", content: newcArchive(withoutDrivers) },
        { name: "boot/initrd-6.1.0", type: "hardlink", link: "objects/1.file" },
      ],
    ],
    warnings: lacking("the driver squashfs and the driver overlay"),
  },
];

describe("extract warns about what an initrd lacks:", () => {
  for (const { name, layers, warnings } of cases) {
    it(name, async () => {
      const texts: string[] = [];
      const onEvent = (event: ExtractEvent) => {
        if (event.type === "message" && event.level === "warning") texts.push(event.text);
      };
      const output = join(await temporaryDirectory(), "out");
      await extract({ image: await imageOf(layers), output, platform: "amd64", onEvent });
      assert.deepEqual(texts, warnings);
    });
  }
});
