import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { makeDisk } from "./disk.js";
import { biosIpxe, bootFromDisk, type Firmware, uefiHttp, uefiIpxe, uefiPxe } from "./firmware.js";
import type { Lan } from "./lan.js";
import { type MachineAnswer, type Server, startServer } from "./serve-process.js";
import type { Report } from "./virtual-machine.js";

const macAddress = "52:54:00:aa:bb:01";
const localBootRules = `machines: [{ match: { mac: "${macAddress}" }, boot: local }]\n`;

/** Machines whose firmware tries the network first and must continue with the disk. */
const machines: {
  name: string;
  firmware: Firmware;
  options: string[];
  state: string;
  reason: RegExp;
  /** Firmware without an answer continues with the disk after more than this many seconds. */
  seconds: number;
}[] = [
  ...[
    { name: "a UEFI machine, by PXE and then by HTTP Boot,", firmware: uefiPxe, seconds: 110 },
    { name: "a UEFI machine, by HTTP Boot,", firmware: uefiHttp, seconds: 55 },
    { name: "a UEFI machine whose network card has iPXE", firmware: uefiIpxe, seconds: 110 },
    { name: "a BIOS machine whose network card has iPXE", firmware: biosIpxe, seconds: 110 },
  ].map((it) => ({
    ...it,
    name: `${it.name} that is to boot from its disk`,
    options: ["--machines", "machines.yaml"],
    state: "disk",
    reason: /boot: local/,
  })),
  {
    name: "a BIOS machine that is denied",
    firmware: biosIpxe,
    options: ["--deny", macAddress],
    state: "refused",
    reason: /--deny 52:54:00:aa:bb:01/,
    seconds: 110,
  },
];

describe("a machine that must not boot from the network", () => {
  let lab: BootLab;
  let scratch: string;
  let disk: string;
  let lan: Lan;

  before(async () => {
    lab = await startBootLab();
    ({ scratch, lan } = lab);
    await writeFile(join(scratch, "machines.yaml"), localBootRules);
    disk = await makeDisk(scratch);
  });

  after(async () => {
    await lab?.close();
  });

  for (const { name, firmware, options, state, reason, seconds } of machines) {
    describe(name, () => {
      let server: Server;
      let report: Report;
      let machine: MachineAnswer;

      before(async () => {
        server = await startServer(lan, scratch, ["out", ...options]);
        report = await bootFromDisk({ firmware, mac: macAddress, lan, scratch, disk });
        machine = await server.machine(macAddress);
      });
      after(() => server?.stop());

      test("boots from its disk without waiting for the network", (t) => {
        t.diagnostic(`${report.seconds.toFixed(1)} s`);
        assert.ok(report.seconds < seconds, `it took ${report.seconds} s`);
      });

      test("is sent nothing but the script that says so", () => {
        const sent = server.events.filter(({ type }) => type === "sent").map(({ role }) => role);
        assert.deepEqual([...new Set(sent)], state === "disk" && sent.length > 0 ? ["script"] : []);
      });

      test("is reported with the reason", () => {
        assert.equal(machine.state, state);
        assert.match(machine.reasons.join(" "), reason);
        assert.match(machine.decision.reasons.join(" "), reason);
      });
    });
  }
});
