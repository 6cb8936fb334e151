import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { bootMachine, type Firmware, uefiHttp } from "./firmware.js";
import { programPath } from "./installed-program.js";
import { type Lan, startLan } from "./lan.js";
import { type Nginx, startNginx } from "./nginx.js";
import { assertSteps, startServer } from "./serve-process.js";
import { extractSmallImage, releaseName } from "./small-image.js";

const baseUrl = "http://10.77.0.2/kairos";
const macAddress = "52:54:00:aa:bb:01";
const at = (suffix: string) => `/kairos/${releaseName}${suffix}`;
const kernelRuns = (output: string) => output.includes("Linux version");

/** A machine with a network card, whose firmware cannot boot from the network. */
function machineWith(isUefi: boolean, options: readonly string[]): Firmware {
  return { card: "virtio-net-pci,romfile=,bootindex=1", isUefi, options };
}

function cd(iso: string): string[] {
  const drive = `if=none,id=iso,media=cdrom,format=raw,readonly=on,file=${iso}`;
  return ["-drive", drive, "-device", "ide-cd,drive=iso,bootindex=0"];
}

function usbStick(iso: string): string[] {
  const drive = `if=none,id=iso,format=raw,readonly=on,file=${iso}`;
  return ["-device", "qemu-xhci", "-drive", drive, "-device", "usb-storage,drive=iso,bootindex=0"];
}

describe("boot media that extract makes", () => {
  let scratch: string;
  let lan: Lan;
  let nginx: Nginx;
  let iso: string;
  let waitingIso: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
    const directory = join(scratch, "www/kairos");
    await extractSmallImage(directory, ["--url", baseUrl, "--iso", "--uki"]);
    iso = join(directory, `${releaseName}-ipxe.iso`);
    waitingIso = join(scratch, "wait.iso");
    const words = [programPath, "iso", "--wait-for-server", "-o", waitingIso];
    await promisify(execFile)(process.execPath, words);
  });

  after(async () => {
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  describe("on a network with a DHCP server and a web server", () => {
    before(async () => {
      lan = await startLan({
        dnsmasq: [
          ...["--dhcp-match=set:ipxe,175", `--dhcp-boot=tag:ipxe,${baseUrl}/${releaseName}.ipxe`],
          ...[
            "--dhcp-vendorclass=set:http,HTTPClient",
            "--dhcp-option-force=tag:http,60,HTTPClient",
          ],
          `--dhcp-boot=tag:http,${baseUrl}/${releaseName}.efi`,
        ],
      });
      nginx = await startNginx(lan, join(scratch, "www"), scratch);
    });

    after(async () => {
      await nginx?.stop();
      await lan?.close();
    });

    for (const isUefi of [false, true]) {
      const firmware = isUefi ? "UEFI" : "BIOS";

      test(`the ISO boots the release from a CD, with ${firmware}`, async (t) => {
        const asked = (await nginx.answers()).length;
        const options = {
          firmware: machineWith(isUefi, cd(iso)),
          mac: macAddress,
          lan,
          scratch,
        };
        const report = await bootMachine(options);
        t.diagnostic(`${report.seconds.toFixed(1)} s`);
        assert.ok(report.poweredOff);
        assert.equal(report.facts.get("root"), "LiveOS_rootfs overlay");
        assert.match(
          report.facts.get("cmdline") ?? "",
          new RegExp(`root=live:${baseUrl}/${releaseName}`.replaceAll("+", "\\+")),
        );
        const answers = (await nginx.answers()).slice(asked);
        const files = ["-kernel", "-initrd", ".squashfs"];
        assert.deepEqual(
          answers,
          files.map((suffix) => `GET ${at(suffix)} 200`),
        );
      });

      test(`the ISO boots from a USB stick, with ${firmware}`, async () => {
        const asked = (await nginx.answers()).length;
        const stick = machineWith(isUefi, usbStick(iso));
        await bootMachine({
          firmware: stick,
          mac: macAddress,
          lan,
          scratch,
          until: kernelRuns,
        });
        const answers = (await nginx.answers()).slice(asked);
        assert.deepEqual(
          answers,
          ["-kernel", "-initrd"].map((suffix) => `GET ${at(suffix)} 200`),
        );
      });
    }

    test("the ISO that waits takes the script that the DHCP server names", async () => {
      const asked = (await nginx.answers()).length;
      const machine = machineWith(false, cd(waitingIso));
      await bootMachine({
        firmware: machine,
        mac: macAddress,
        lan,
        scratch,
        until: kernelRuns,
      });
      const answers = (await nginx.answers()).slice(asked);
      for (const suffix of [".ipxe", "-kernel", "-initrd"]) {
        assert.ok(answers.includes(`GET ${at(suffix)} 200`), suffix);
      }
    });

    test("the UKI boots by HTTP Boot, and fetches its squashfs", async () => {
      const asked = (await nginx.answers()).length;
      let answers: string[] = [];
      const watch = setInterval(async () => {
        answers = (await nginx.answers()).slice(asked).filter((line) => line.startsWith("GET"));
      }, 500);
      const until = () => answers.some((line) => line.includes(".squashfs"));
      await bootMachine({ firmware: uefiHttp, mac: macAddress, lan, scratch, until });
      clearInterval(watch);
      assert.deepEqual(
        answers,
        [".efi", ".squashfs"].map((suffix) => `GET ${at(suffix)} 200`),
      );
    });
  });

  test("the ISO that waits is served by serve, under UEFI", async () => {
    const served = await startLan();
    const directory = join(scratch, "www/kairos");
    const server = await startServer(served, scratch, [directory]);
    try {
      const machine = machineWith(true, cd(waitingIso));
      await bootMachine({
        firmware: machine,
        mac: macAddress,
        lan: served,
        scratch,
        until: kernelRuns,
      });
      assertSteps(server.steps, [
        /boot\.ipxe$/,
        `script ${releaseName}`,
        `sent ${releaseName}-kernel by http`,
        `sent ${releaseName}-initrd by http`,
      ]);
    } finally {
      await server.stop();
      await served.close();
    }
  });
});
