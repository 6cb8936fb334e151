import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  findBuiltInDrivers,
  InitrdFormatError,
  listInitrd,
  missingForNetboot,
  readInitrdFeatures,
} from "../../src/initrd/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";
import { type InitrdFiles, newcArchive } from "./support/newc-archive.js";

const { signal } = new AbortController();
const livenet = "the dracut module livenet";
const dmsquashLive = "the dracut module dmsquash-live";
const network = "a network module such as network-manager or systemd-networkd";
const client = "curl or wget";
const drivers = ["the driver squashfs", "the driver overlay"];

/** The names of the options with which testdata/initrds/make.sh called dracut, and what is left out. */
const dracutInitrds: readonly (readonly [name: string, missing: readonly string[]])[] = [
  ["059-network-manager", []],
  ["059-networkd", []],
  ["059-network-legacy", []],
  ["059-squash", []],
  ["112-networkd", []],
  ["059-default", [livenet, dmsquashLive, client]],
  ["059-no-network", [livenet, dmsquashLive, network, client]],
  ["059-no-livenet", [livenet, client]],
  ["059-no-drivers", drivers],
  ["059-no-kernel", drivers],
];

describe("missingForNetboot knows what an initrd of dracut lacks:", () => {
  for (const [name, missing] of dracutInitrds) {
    it(name, async () => {
      const path = join(checkout, `testdata/initrds/${name}.img`);
      const features = await readInitrdFeatures(path, signal);
      assert.equal(features.maker, "dracut");
      assert.deepEqual(missingForNetboot(features, []), missing);
      // Reading all of it makes no difference.
      const listed = await listInitrd(path, signal);
      assert.deepEqual(missingForNetboot(listed.features, []), missing);
    });
  }
});

interface Case {
  readonly name: string;
  readonly files: InitrdFiles;
  /** A `modules.builtin` or the kernel's configuration. */
  readonly builtIn?: string;
  readonly missing: readonly string[];
}

const dracut: InitrdFiles = {
  "usr/bin/curl": "",
  "usr/lib/dracut/modules.txt": "systemd\nnetwork-manager\nnetwork\ndmsquash-live\nlivenet\nbase\n",
  "usr/lib/modules/6.1.0/kernel/fs/overlayfs/overlay.ko": "",
  "usr/lib/modules/6.1.0/kernel/fs/squashfs/squashfs.ko": "",
};
const withoutDrivers: InitrdFiles = {
  "usr/bin/curl": "",
  "usr/lib/dracut/modules.txt": dracut["usr/lib/dracut/modules.txt"]!,
};
const modulesOf = (names: string): InitrdFiles => ({
  ...dracut,
  "usr/lib/dracut/modules.txt": names.replaceAll(" ", "\n"),
});

const dracutCases: readonly Case[] = [
  { name: "everything", files: dracut, missing: [] },
  {
    name: "everything, in an initrd without a merged /usr",
    files: Object.fromEntries(
      Object.entries(dracut).map(([name, text]) => [name.replace(/^usr\//, "./"), text]),
    ),
    missing: [],
  },
  {
    name: "wget instead of curl",
    files: { ...modulesOf("livenet dmsquash-live connman"), "usr/bin/curl": "", "bin/wget": "" },
    missing: [],
  },
  ...["network", "systemd-networkd", "network-legacy", "network-wicked", "connman"].map((name) => ({
    name,
    files: modulesOf(`livenet dmsquash-live ${name}`),
    missing: [],
  })),
  {
    name: "modules with similar names",
    files: modulesOf("livenetwork dmsquash-live-ntfs network-manager-wait"),
    missing: [livenet, dmsquashLive, network],
  },
  {
    name: "compressed drivers",
    files: {
      ...withoutDrivers,
      "lib/modules/6.1.0/kernel/fs/overlayfs/overlay.ko.zst": "",
      "lib/modules/6.1.0/kernel/fs/squashfs/squashfs.ko.xz": "",
    },
    missing: [],
  },
  { name: "no drivers", files: withoutDrivers, missing: drivers },
  {
    name: "drivers that the initrd lists as built in",
    files: {
      ...withoutDrivers,
      "usr/lib/modules/6.1.0/modules.builtin":
        "kernel/fs/overlayfs/overlay.ko\nkernel/fs/squashfs/squashfs.ko\n",
    },
    missing: [],
  },
  {
    name: "one driver that is built in",
    files: withoutDrivers,
    builtIn: "kernel/fs/ext4/ext4.ko\nkernel/fs/squashfs/squashfs.ko\n",
    missing: ["the driver overlay"],
  },
  {
    name: "drivers that are built in according to the kernel's configuration",
    files: withoutDrivers,
    builtIn: "CONFIG_OVERLAY_FS=y\nCONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_XZ=y\n",
    missing: [],
  },
  {
    name: "drivers that are modules according to the kernel's configuration",
    files: withoutDrivers,
    builtIn: "CONFIG_OVERLAY_FS=m\n# CONFIG_SQUASHFS is not set\nCONFIG_SQUASHFS_XZ=y\n",
    missing: drivers,
  },
];

/** What Kairos's init for Alpine does, in so far as it can be seen from outside. */
const init = `#!/bin/sh
VERSION=3.8.2-kairos5
/bin/busybox --install -s
echo "Alpine Init $VERSION"
[[ $x = root=live:* ]] || continue
`;
const mkinitfs: InitrdFiles = {
  "./bin/busybox": "",
  "./init": init,
  "./lib/modules/6.6.31-0-lts/kernel/fs/overlayfs/overlay.ko.gz": "",
  "./lib/modules/6.6.31-0-lts/kernel/fs/squashfs/squashfs.ko.gz": "",
  "./usr/share/udhcpc/default.script": "",
};
const omit = (name: keyof typeof mkinitfs): InitrdFiles =>
  Object.fromEntries(Object.entries(mkinitfs).filter(([each]) => each !== name));

const mkinitfsCases: readonly Case[] = [
  { name: "everything", files: mkinitfs, missing: [] },
  {
    name: "Alpine's own init",
    files: { ...mkinitfs, "./init": init.replace(/.*root=live.*\n/, "") },
    missing: ["an init that understands root=live:"],
  },
  {
    name: "an initrd without mkinitfs's feature dhcp",
    files: omit("./usr/share/udhcpc/default.script"),
    missing: ["the DHCP client's script /usr/share/udhcpc/default.script"],
  },
  {
    name: "an initrd without mkinitfs's feature squashfs",
    files: omit("./lib/modules/6.6.31-0-lts/kernel/fs/squashfs/squashfs.ko.gz"),
    missing: ["the driver squashfs"],
  },
  { name: "no busybox", files: omit("./bin/busybox"), missing: ["busybox, with its wget"] },
];

const otherMakers: readonly Case[] = [
  {
    name: "initramfs-tools",
    files: { "conf/initramfs.conf": "", init: "#!/bin/sh\n", "scripts/functions": "" },
    missing: [],
  },
  {
    name: "mkinitcpio",
    files: { config: "", hooks: "", init: "#!/usr/bin/ash\n", "usr/bin/busybox": "" },
    missing: [],
  },
];

const tables = { dracut: dracutCases, mkinitfs: mkinitfsCases, undefined: otherMakers };
for (const [maker, cases] of Object.entries(tables)) {
  describe(`missingForNetboot knows what an initrd lacks (maker: ${maker}):`, () => {
    for (const { name, files, builtIn = "", missing } of cases) {
      it(name, async () => {
        const path = join(await temporaryDirectory(), "initrd");
        await writeFile(path, newcArchive(files));
        const features = await readInitrdFeatures(path, signal);
        assert.equal(String(features.maker), maker);
        assert.deepEqual(missingForNetboot(features, findBuiltInDrivers(builtIn)), missing);
      });
    }
  });
}

it("readInitrdFeatures reads no more of an initrd than necessary", async () => {
  const path = join(await temporaryDirectory(), "initrd");
  const damaged = Buffer.concat([newcArchive(dracut), Buffer.from("damaged")]);
  await writeFile(path, damaged);
  await assert.rejects(listInitrd(path, signal), InitrdFormatError);
  assert.deepEqual(missingForNetboot(await readInitrdFeatures(path, signal), []), []);
  await writeFile(path, Buffer.concat([newcArchive(withoutDrivers), Buffer.from("damaged")]));
  await assert.rejects(readInitrdFeatures(path, signal), InitrdFormatError);
});
