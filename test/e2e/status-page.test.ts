import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { biosPxe, bootMachine } from "./firmware.js";
import type { Lan } from "./lan.js";
import { type Server, startServer } from "./serve-process.js";
import { cacheDirectory } from "./small-image.js";

const run = promisify(execFile);

const macAddress = "52:54:00:aa:bb:01";

let lab: BootLab;
let scratch: string;
let lan: Lan;
let server: Server;

before(async () => {
  lab = await startBootLab();
  ({ scratch, lan } = lab);
  server = await startServer(lan, scratch, ["out"]);
});

after(async () => {
  await server?.stop();
  await lab?.close();
});

for (const [place, size] of [
  ["a desk", "1280,800"],
  ["a phone", "390,844"],
] as const) {
  test(`a browser on ${place} shows how far a machine has come`, async (t) => {
    const before = server.events.length;
    let page = "";
    let isSeen = false;
    // The firmware's own driver is slow, so there is time to look during the kernel's transfer.
    const booted = bootMachine({
      ...{ firmware: biosPxe, mac: macAddress, lan, scratch },
      until: () => isSeen,
    });
    const isUnderWay = () => server.events.slice(before).some(({ type }) => type === "script");
    const look = async () => {
      while (!isUnderWay()) await sleep(100);
      await sleep(1000);
      const picture = join(cacheDirectory, `status-page-${size.replace(",", "x")}.png`);
      t.diagnostic(picture);
      await browse(size, [`--screenshot=${picture}`]);
      // Long enough for the page to refresh itself twice.
      page = await browse(size, ["--virtual-time-budget=2500", "--dump-dom"]);
    };
    await Promise.all([booted, look().finally(() => (isSeen = true))]);
    assert.match(page, new RegExp(`<h2>${macAddress}</h2><span class="state">is booting<`));
    assert.doesNotMatch(page, /class="lost"/);
    for (const step of ["asked", "offered", "boot-program", "script"]) {
      assert.match(page, new RegExp(`<li class="whole"[^>]*>${step}</li>`));
    }
    assert.match(page, /<li class="busy"[^>]*>kernel \d+ %, [\d.]+ MB\/s<\/li>/);
    assert.match(page, /<progress max="100" value="\d+" aria-label="kernel">/);
  });
}

/** The page as Chromium renders it, in the boot server's namespace. */
async function browse(size: string, options: string[]): Promise<string> {
  const address = `http://${lan.networks[0].bootServer}:8080/`;
  const [program, ...words] = [
    ...lan.asBootServer,
    ...["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    ...[`--user-data-dir=${join(scratch, "chromium")}`, `--window-size=${size}`],
  ];
  return (await run(program!, [...words, ...options, address])).stdout;
}
