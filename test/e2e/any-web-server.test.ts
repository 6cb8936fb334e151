import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { biosIpxe, bootMachine, uefiIpxe } from "./firmware.js";
import { type Lan, startLan } from "./lan.js";
import { type Nginx, startNginx } from "./nginx.js";
import { extractSmallImage, releaseName } from "./small-image.js";
import type { Report } from "./virtual-machine.js";

const cloudConfigText = "#cloud-config\nhostname: from-any-web-server\n";
const releasePath = "/releases/today";
const macAddress = "52:54:00:aa:bb:01";
const at = (suffix: string) => `${releasePath}/${releaseName}${suffix}`;

describe("a directory on any web server", () => {
  let scratch: string;
  let lan: Lan;
  let nginx: Nginx;
  let report: Report;
  let root: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
    const cloudConfig = join(scratch, "cloud-config.yaml");
    await writeFile(cloudConfig, cloudConfigText);
    root = join(scratch, "www");
    await extractSmallImage(join(root, releasePath), ["--cloud-config", cloudConfig]);
    // The DHCP server sends the script's URL to clients that identify themselves as iPXE (option 175).
    const script = `http://10.77.0.2${at(".ipxe")}`;
    lan = await startLan({
      dnsmasq: ["--dhcp-match=set:ipxe,175", `--dhcp-boot=tag:ipxe,${script}`],
    });
    nginx = await startNginx(lan, root, scratch);
    report = await bootMachine({ firmware: biosIpxe, mac: macAddress, lan, scratch });
  });

  after(async () => {
    await nginx?.stop();
    await lan?.close();
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  test("boots a machine by its script, which knows no address", (t) => {
    t.diagnostic(`${report.seconds.toFixed(1)} s`);
    assert.ok(report.poweredOff);
    assert.equal(report.facts.get("root"), "LiveOS_rootfs overlay");
    assert.equal(report.facts.get("config_url"), cloudConfigText.replaceAll("\n", "|"));
  });

  test("is asked for each file once", async () => {
    const files = [".ipxe", "-kernel", "-initrd", ".squashfs", "-cloud-config.yaml"];
    const answers = await nginx.answers();
    for (const suffix of files) assert.ok(answers.includes(`GET ${at(suffix)} 200`), suffix);
    const large = ["-kernel", "-initrd", ".squashfs"].map((suffix) => `GET ${at(suffix)} 200`);
    assert.deepEqual(
      answers.filter((line) => large.includes(line)),
      large,
    );
  });

  test("that lost a file makes iPXE try again, then explain, and open a shell", async () => {
    const before = (await nginx.answers()).length;
    await rename(join(root, at("-initrd")), join(root, at("-gone")));
    let output = "";
    const until = (text: string) => {
      output = text;
      return text.includes('"exit" tries again');
    };
    await bootMachine({ firmware: uefiIpxe, mac: macAddress, lan, scratch, until });
    const failed = "Fetching from http://10.77.0.2/releases/today/";
    assert.equal(output.split(failed).length - 1, 3);
    assert.match(output, /could not be fetched from http:\/\/10\.77\.0\.2/);
    const asked = (await nginx.answers()).slice(before);
    assert.equal(asked.filter((line) => line === `GET ${at("-initrd")} 404`).length, 4);
  });
});
