import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { biosIpxe, bootMachine } from "./firmware.js";
import { assertSteps, type Server, startServer } from "./serve-process.js";
import { extractSmallImage, releaseName } from "./small-image.js";

describe("a directory that extract replaces while it is served", () => {
  let lab: BootLab;
  let server: Server;

  before(async () => {
    lab = await startBootLab();
    server = await startServer(lab.lan, lab.scratch, ["out"]);
  });

  after(async () => {
    await server?.stop();
    await lab?.close();
  });

  test("a machine that was on its way with the old release boots the new one", async () => {
    const { lan, scratch } = lab;
    const out = join(scratch, "out");
    // iPXE waits here until the directory has been replaced.
    await rm(join(out, `${releaseName}-kernel`));
    const until = () => server.steps.includes("sent newer-initrd by http");
    const booting = bootMachine({
      ...{ firmware: biosIpxe, mac: "52:54:00:aa:bb:01", lan, scratch, until },
    });
    const makeAgain = async () => {
      while (!server.steps.includes(`script ${releaseName}`)) await sleep(200);
      await extractSmallImage(out, ["--name", "newer"]);
    };
    await Promise.all([booting, makeAgain()]);
    const fetched = ["sent newer-kernel by http", "sent newer-initrd by http"];
    assertSteps(server.steps, [`script ${releaseName}`, "script newer", ...fetched]);
    assert.ok(!server.steps.includes(`sent ${releaseName}-kernel by http`));
  });
});
