import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { BootTracker } from "../../src/boot-server/boot-tracker.js";
import { OfferStyles } from "../../src/boot-server/dhcp/offer-styles.js";
import { EventLog } from "../../src/boot-server/events/event-log.js";
import type { MachineEvent } from "../../src/boot-server/events/events.js";
import type { FileRole } from "../../src/boot-server/files/served-file.js";
import { BootPolicy } from "../../src/boot-server/machines/boot-policy.js";
import { loadRules } from "../../src/boot-server/machines/load-rules.js";
import { MachineStore } from "../../src/boot-server/machines/machine-store.js";
import { BootPrograms } from "../../src/boot-server/releases/boot-programs.js";
import { BootedMachines } from "../../src/boot-server/state/booted-machines.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { releaseNamed } from "./support/releases.js";

const mac = "52:54:00:aa:bb:01";
const client = "10.77.0.50";
const release = releaseNamed("stable");

/** An EFI program of headers and the contents of its sections (PE Format, sections 2 to 4). */
function efiProgram(sections: readonly [name: string, contents: string][]): Buffer {
  const bytes = Buffer.alloc(0x1000);
  bytes.write("MZ");
  bytes.writeUInt32LE(0x80, 0x3c);
  bytes.write("PE\0\0", 0x80, "latin1");
  bytes.writeUInt16LE(0x8664, 0x84);
  bytes.writeUInt16LE(sections.length, 0x86);
  bytes.writeUInt16LE(0xf0, 0x94);
  bytes.writeUInt16LE(0x20b, 0x98);
  bytes.writeUInt32LE(0x1000, 0x98 + 32);
  bytes.writeUInt32LE(0x200, 0x98 + 36);
  for (const [index, [name, contents]] of sections.entries()) {
    const header = 0x98 + 0xf0 + 40 * index;
    const place = 0x400 + 0x200 * index;
    bytes.write(name, header, "latin1");
    bytes.writeUInt32LE(contents.length, header + 8);
    bytes.writeUInt32LE(0x200, header + 16);
    bytes.writeUInt32LE(place, header + 20);
    bytes.write(contents, place, "latin1");
  }
  return bytes;
}

describe("a machine with boot: once and a boot program", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await sharedDirectory();
    await mkdir(directory, { recursive: true });
  });

  const plain = ["boot-program"];
  const own = "root=live:http://10.77.0.2:8080/releases/1/stable.squashfs netboot";
  const ownById = own.replace("/1/", "/0123456789ab/");
  const other = "root=live:http://192.168.1.10/kairos/stable.squashfs netboot";
  const table: [name: string, program: Buffer, fetched: string[], hasBooted: boolean][] = [
    ["has booted with a UKI", efiProgram([[".linux", "MZ"]]), plain, true],
    [
      "has booted with a UKI that fetches its squashfs elsewhere",
      efiProgram([
        [".linux", ""],
        [".cmdline", other],
      ]),
      plain,
      true,
    ],
    [
      "has to fetch the squashfs of a UKI here",
      efiProgram([
        [".cmdline", own],
        [".linux", ""],
      ]),
      plain,
      false,
    ],
    [
      "has to fetch the squashfs of a UKI here, by release id",
      efiProgram([
        [".cmdline", ownById],
        [".linux", ""],
      ]),
      plain,
      false,
    ],
    [
      "has fetched the squashfs of a UKI here",
      efiProgram([
        [".linux", ""],
        [".cmdline", own],
      ]),
      [...plain, "squashfs"],
      true,
    ],
    ["has not booted with another EFI program", efiProgram([[".text", "iPXE"]]), plain, false],
    ["has not booted with a file that is not an EFI program", Buffer.from("iPXE"), plain, false],
  ];
  for (const [name, program, fetched, hasBooted] of table) {
    it(`${name}`, async () => {
      await writeFile(join(directory, "own.efi"), program);
      const machinesFile = join(directory, "machines.yaml");
      await writeFile(machinesFile, "defaults: { boot: once, boot-program: own.efi }\n");
      const programs = await BootPrograms.find([]);
      const releases = [release];
      const sources = { machinesFile, defaults: {}, cloudConfig: undefined, releases, programs };
      const rules = await loadRules(sources);
      const booted = new BootedMachines(join(directory, "booted"));
      const machineStore = new MachineStore(() => [
        { address: client, mac, interface: "eth0", isComplete: true },
      ]);
      machineStore.learn({ mac, architecture: "amd64" });
      const policy = new BootPolicy({
        ...{ allow: [], deny: [], rules: () => rules },
        bootedAt: (it) => booted.bootedAt(it),
      });
      const eventLog = new EventLog({ onEvent: (event) => tracker.observe(event) });
      const tracker: BootTracker = new BootTracker({
        ...{ policy, machineStore, booted, apiUrl: undefined, styles: new OfferStyles() },
        eventLog,
        onWarning: assert.fail,
      });
      for (const role of fetched as FileRole[]) {
        const transfer = { client, role, name: "own.efi", size: 100 };
        tracker.httpStarted({ ...transfer, mac: undefined, isHead: false, sent: 0 });
        const told = { ...transfer, mac, protocol: "http", sent: 100, seconds: 1 } as const;
        eventLog.add({ ...told, type: "sent", isComplete: true } satisfies MachineEvent);
      }
      assert.equal(booted.bootedAt(mac) !== undefined, hasBooted);
    });
  }
});
