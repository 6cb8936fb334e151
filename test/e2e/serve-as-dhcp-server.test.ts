import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { makeDisk } from "./disk.js";
import { biosIpxe, bootFromDisk, bootMachine, uefiHttp, uefiPxe } from "./firmware.js";
import type { Lan } from "./lan.js";
import { assertSteps, type Server, startServer } from "./serve-process.js";
import { releaseName } from "./small-image.js";

const installedMac = "52:54:00:aa:bb:20";
const localBootRules = `machines: [{ match: { mac: "${installedMac}" }, boot: local }]\n`;
const toScript = "offered http://10.77.0.2:8080/boot.ipxe";

const machines = [
  {
    name: "a UEFI machine, by PXE,",
    firmware: uefiPxe,
    steps: ["offered snponly.efi", "sent snponly.efi by tftp", toScript],
  },
  {
    name: "a UEFI machine, by HTTP Boot,",
    firmware: uefiHttp,
    steps: [
      "offered http://10.77.0.2:8080/programs/snponly.efi",
      "sent snponly.efi by http",
      toScript,
    ],
  },
  { name: "a BIOS machine whose network card has iPXE", firmware: biosIpxe, steps: [toScript] },
];

describe("serve, on a network without a DHCP server", () => {
  let lab: BootLab;
  let scratch: string;
  let disk: string;
  let lan: Lan;
  let server: Server;

  before(async () => {
    lab = await startBootLab({ hasDhcp: false });
    ({ scratch, lan } = lab);
    disk = await makeDisk(scratch);
    const { prefix } = lan.networks[0];
    const range = `${prefix}50-${prefix}99`;
    await writeFile(join(scratch, "machines.yaml"), localBootRules);
    const options = ["--dhcp", "server", "--dhcp-range", range, "--machines", "machines.yaml"];
    server = await startServer(lan, scratch, ["out", ...options]);
  });

  after(async () => {
    await server?.stop();
    await lab?.close();
  });

  for (const [index, { name, firmware, steps }] of machines.entries()) {
    test(`${name} gets an address and boots`, async (t) => {
      const before = server.events.length;
      const mac = `52:54:00:aa:bb:1${index}`;
      const until = () => server.steps.slice(before).includes(`sent ${releaseName}-initrd by http`);
      const { seconds } = await bootMachine({ firmware, mac, lan, scratch, until });
      t.diagnostic(`${seconds.toFixed(1)} s`);
      assertSteps(server.steps.slice(before), [...steps, `script ${releaseName}`]);
      const leases = server.events.filter((it) => it.type === "leased" && it.mac === mac);
      assert.notEqual(leases.length, 0);
    });
  }

  test("a UEFI machine that is to boot from its disk does so immediately", async (t) => {
    const before = server.events.length;
    const firmware = uefiPxe;
    const { seconds } = await bootFromDisk({ firmware, mac: installedMac, lan, scratch, disk });
    t.diagnostic(`${seconds.toFixed(1)} s`);
    assert.ok(seconds < 45, `it took ${seconds} s`);
    assertSteps(server.steps.slice(before), ["sent-to-disk"]);
    assert.ok(!server.steps.slice(before).some((it) => it.startsWith("sent ")));
  });
});
