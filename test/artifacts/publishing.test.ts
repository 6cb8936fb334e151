import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { isRunning, startOf } from "../cli/support/processes.js";
import { baseName, baseWithout, imageOf, noise } from "../extract/support/images.js";
import { cannotMount, mountBind } from "../extract/support/mounts.js";
import {
  demoImage,
  demoName,
  outcomeOf,
  startProgram,
  succeed,
} from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";

const dayBeforeYesterday = new Date(Date.now() - 2 * 24 * 3600 * 1000);

describe("the leftovers of a killed run", () => {
  it("do not disturb the next run, and mksquashfs ends on its own", async () => {
    const cwd = await temporaryDirectory();
    const image = await imageOf([baseLayer, [noise("noise", 4_000_000)]]);
    const words = ["extract", image, "-o", "out", "--platform=amd64", "--compression=xz"];
    const child = startProgram(words, { cwd });
    const outcome = outcomeOf(child);
    const others = await startOf("-tar", child.pid!);
    child.kill("SIGKILL");
    await outcome;
    const left = await readdir(cwd);
    assert.equal(left.length, 1);
    assert.match(left[0]!, /^\.kairos-netboot-/);

    await make(join(cwd, "out"), demoImage);
    assert.equal((await readdir(join(cwd, "out"))).length, 7);
    for (let attempt = 0; others.some(isRunning) && attempt < 200; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(others.filter(isRunning), []);
  });

  it("are removed by a later run once they are a day old", async () => {
    const cwd = await temporaryDirectory();
    const old = await mkdtemp(join(cwd, ".kairos-netboot-staging-"));
    await mkdir(join(old, "scratch"));
    await utimes(old, dayBeforeYesterday, dayBeforeYesterday);
    const young = await mkdtemp(join(cwd, ".kairos-netboot-staging-"));
    await make(join(cwd, "out"), demoImage);
    const names = await readdir(cwd);
    assert.ok(!names.some((name) => old.endsWith(name)), "the old one is gone");
    assert.ok(
      names.some((name) => young.endsWith(name)),
      "the young one may be of a run that lives",
    );
  });

  // A run that is killed between the two renames of publishing leaves this.
  const previous = async (cwd: string, name: string) => {
    await make(join(cwd, name), demoImage);
    const aside = join(cwd, `.kairos-netboot-previous-${name}`);
    await rename(join(cwd, name), aside);
    await utimes(aside, dayBeforeYesterday, dayBeforeYesterday);
  };

  it("are put back as earlier output, even if the next run fails", async () => {
    const cwd = await temporaryDirectory();
    await previous(cwd, "out");
    const image = await imageOf([baseWithout("./boot/initrd")]);
    await assert.rejects(make(join(cwd, "out"), image), { code: "IMAGE_NO_INITRD" });
    assert.deepEqual(await readdir(cwd), ["out"]);
    await assertIntact(join(cwd, "out"), demoName);
  });

  it("are replaced by the next successful run", async () => {
    const cwd = await temporaryDirectory();
    await previous(cwd, "out");
    await make(join(cwd, "out"), await imageOf([baseLayer]));
    assert.deepEqual(await readdir(cwd), ["out"]);
    await assertIntact(join(cwd, "out"), baseName);
  });

  it("are removed if the new output is already in place", async () => {
    const cwd = await temporaryDirectory();
    await previous(cwd, "out");
    await make(join(cwd, "previous"), demoImage);
    await rename(join(cwd, "previous"), join(cwd, "out"));
    await make(join(cwd, "out"), demoImage);
    assert.deepEqual(await readdir(cwd), ["out"]);
    await assertIntact(join(cwd, "out"), demoName);
  });

  it("stay if they belong to another directory", async () => {
    const cwd = await temporaryDirectory();
    await previous(cwd, "other");
    await make(join(cwd, "out"), demoImage);
    const image = await imageOf([baseWithout("./boot/initrd")]);
    await assert.rejects(make(join(cwd, "other"), image), { code: "IMAGE_NO_INITRD" });
    await assertIntact(join(cwd, "other"), demoName);
  });
});

const cannotFreeze = spawnSync("which", ["chattr"]).status !== 0 && "chattr is not installed";

describe("publishing that fails between two files", { skip: cannotMount || cannotFreeze }, () => {
  it("into a mount point is completed by the next run", async (t) => {
    const cwd = await temporaryDirectory();
    await make(join(cwd, "real"), demoImage);
    await mountBind(join(cwd, "real"), join(cwd, "out"));
    const frozen = join(cwd, "real", `${demoName}-kernel`);
    if (spawnSync("chattr", ["+i", frozen]).status !== 0)
      return t.skip("chattr has no effect here");
    try {
      const failing = make(join(cwd, "out"), demoImage, { force: true });
      await assert.rejects(failing, { code: "OUTPUT_NOT_WRITABLE" });
    } finally {
      await succeed("chattr", ["-i", frozen]);
    }
    await make(join(cwd, "out"), demoImage);
    await assertIntact(join(cwd, "real"), demoName);
    assert.deepEqual((await readdir(cwd)).sort(), ["out", "real"]);
  });
});

async function make(output: string, image: string, { force = false } = {}): Promise<void> {
  await extract({ image, output, platform: "amd64", force });
}

async function assertIntact(directory: string, name: string): Promise<void> {
  assert.ok((await readdir(directory)).includes(`${name}.squashfs`));
  assert.equal((await readdir(directory)).length, 7);
  await succeed("sha256sum", ["-c", "--strict", "--quiet", "SHA256SUMS"], directory);
}
