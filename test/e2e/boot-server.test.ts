import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { makeDisk } from "./disk.js";
import {
  biosIpxe,
  biosPxe,
  bootFromDisk,
  bootMachine,
  type Firmware,
  uefiHttp,
  uefiPxe,
} from "./firmware.js";
import type { Lan } from "./lan.js";
import { assertSteps, type Server, startServer } from "./serve-process.js";
import { extractSmallImage, releaseName } from "./small-image.js";
import type { Report } from "./virtual-machine.js";

const macAddress = "52:54:00:aa:bb:01";
const cloudConfigText = "#cloud-config\nhostname: from-the-boot-server\n";

const file = (suffix: string) => join("out", `${releaseName}${suffix}`);
const loose = [
  ...["--kernel", file("-kernel"), "--initrd", file("-initrd")],
  ...["--squashfs", file(".squashfs")],
];
const toScript = /^offered http:\/\/10\.77\.0\.2:8080\/boot\.ipxe$/;

const script = ["sent boot.ipxe by http", `script ${releaseName}`, "sent machine.ipxe by http"];
const files = [`sent ${releaseName}-kernel by http`, `sent ${releaseName}-initrd by http`];
/** The steps after a machine's own, by how far the test lets it boot. */
const further = {
  script,
  squashfs: [`sent ${releaseName}.squashfs by http`],
  initrd: [...script, ...files],
  end: [...script, ...files],
};

/** Each firmware reaches the script in its own way, which the events show. */
const machines: {
  name: string;
  firmware: Firmware;
  /** The served directory or options, relative to the scratch directory. */
  served?: string[];
  /** Content of the machines file. */
  rules?: string;
  /** How far it boots; the default is the initrd. Then the machine is started once more. */
  until?: "script" | "squashfs" | "end";
  steps: RegExp[];
}[] = [
  {
    name: "a UEFI machine, by PXE, that boots once",
    firmware: uefiPxe,
    served: ["out", "--once"],
    until: "end",
    steps: [/^offered snponly\.efi$/, /^sent snponly\.efi by tftp$/, toScript],
  },
  {
    name: "a UEFI machine, by PXE on port 4011",
    firmware: uefiPxe,
    rules: `machines: [{ match: { mac: "${macAddress}" }, offer-style: port-4011 }]\n`,
    // The offer then names no file: a machine learns it only by asking again on that port.
    steps: [
      /^offered snponly\.efi$/,
      /^offered snponly\.efi$/,
      /^sent snponly\.efi by tftp$/,
      toScript,
    ],
  },
  {
    name: "a UEFI machine, by HTTP Boot",
    firmware: uefiHttp,
    steps: [
      /^offered http:\/\/10\.77\.0\.2:8080\/programs\/snponly\.efi$/,
      /^sent snponly\.efi by http$/,
    ],
  },
  {
    name: "a UEFI machine, by HTTP Boot, straight to a unified kernel image",
    firmware: uefiHttp,
    rules: `machines: [{ match: { mac: "${macAddress}" }, boot-program: uki/${releaseName}.efi }]\n`,
    until: "squashfs",
    steps: [/^offered http:\/\/10\.77\.0\.2:8080\/programs\/.*\.efi$/, /\.efi by http$/],
  },
  {
    name: "a BIOS machine, by PXE",
    firmware: biosPxe,
    // With the firmware's own driver, the kernel alone would take half a minute.
    until: "script",
    steps: [/^offered undionly\.kpxe$/, /^sent undionly\.kpxe by tftp$/, toScript],
  },
  {
    name: "a BIOS machine whose network card has iPXE, from three files",
    firmware: biosIpxe,
    served: loose,
    steps: [toScript],
  },
];

describe("serve, beside a DHCP server without boot settings", () => {
  let lab: BootLab;
  let scratch: string;
  let disk: string;
  let lan: Lan;

  before(async () => {
    lab = await startBootLab();
    ({ scratch, lan } = lab);
    await writeFile(join(scratch, "cloud-config.yaml"), cloudConfigText);
    disk = await makeDisk(scratch);
    const release = "http://10.77.0.2:8080/releases/1";
    await extractSmallImage(join(scratch, "uki"), ["--uki", "--url", release]);
  });

  after(async () => {
    await lab?.close();
  });

  for (const { name, firmware, served = ["out"], rules, until = "initrd", steps } of machines) {
    describe(name, () => {
      let server: Server;
      let report: Report;

      before(async () => {
        const options = [...served, "--cloud-config", "cloud-config.yaml"];
        if (rules !== undefined) {
          await writeFile(join(scratch, "machines.yaml"), rules);
          options.push("--machines", "machines.yaml");
        }
        server = await startServer(lan, scratch, options);
        const last = further[until].at(-1)!;
        const end = until === "end" ? {} : { until: () => server.steps.includes(last) };
        report = await bootMachine({ firmware, mac: macAddress, lan, scratch, ...end });
      });
      after(() => server?.stop());

      test("is led from the firmware to iPXE and what it boots", (t) => {
        t.diagnostic(`${report.seconds.toFixed(1)} s`);
        assertSteps(server.steps, [...steps, ...further[until]]);
      });

      test("is reported by its own hardware address", () => {
        const named = server.events.filter(({ type }) => type === "sent" || type === "offered");
        assert.ok(named.length > 2);
        for (const { mac } of named) assert.equal(mac, macAddress);
      });

      if (until !== "end") return;
      test("runs the release, with its cloud-config, and powers off", () => {
        assert.ok(report.poweredOff);
        const { facts } = report;
        const { bootServer } = lan.networks[0];
        assert.match(facts.get("cmdline")!, new RegExp(` root=live:http://${bootServer}:8080/`));
        assert.equal(facts.get("root"), "LiveOS_rootfs overlay");
        assert.equal(facts.get("capability"), "/usr/bin/ping cap_net_raw=ep");
        assert.equal(facts.get("config_url"), cloudConfigText.replaceAll("\n", "|"));
      });

      test("boots from its disk the next time", async (t) => {
        assertSteps(server.steps, [`booted ${releaseName}`]);
        const before = server.steps.length;
        const { seconds } = await bootFromDisk({ firmware, mac: macAddress, lan, scratch, disk });
        t.diagnostic(`${seconds.toFixed(1)} s`);
        const since = server.steps.slice(before);
        assertSteps(since, ["sent-to-disk"]);
        assert.deepEqual(
          since.filter((it) => it.startsWith("sent ")),
          [],
        );
      });
    });
  }
});
