/**
 * Kills `extract` at random moments, repeatedly, and then lets it succeed. The moments come
 * from a seed, which is printed: KILL_SEED=N repeats them.
 */
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { addImage, noise } from "../extract/support/images.js";
import { outcomeOf, startProgram } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { type CountingRegistry, countingRegistry } from "../sources/support/counting-registry.js";
import { baseLayer } from "../support/base-layer.js";

const kills = 60;
/** Number of kills between two runs that may finish. */
const mostInARow = 4;

const content = new ImageContent();
const root = addImage(content, [
  baseLayer,
  [noise("one", 2_000_000)],
  [noise("two", 3_000_000)],
  [noise("three", 700_000)],
]);
const layers: { digest: string; size: number }[] = content.json(root).layers;

describe("a pull that is killed at random moments", () => {
  it(`${kills} times continues from the bytes on disk and ends with the same result`, async (t) => {
    const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
    t.diagnostic(`KILL_SEED=${seed}`);
    console.log(`KILL_SEED=${seed}`);
    const random = randomNumbers(seed);
    const registry = await countingRegistry(t, content, root, { piece: 200_000, pause: 80 });
    const cwd = await temporaryDirectory();
    const wanted = await runToItsEnd(cwd, registry);

    let downloading = 0;
    for (let done = 0; done < kills; ) {
      await rm(join(cwd, "cache"), { recursive: true, force: true });
      await rm(join(cwd, "out"), { recursive: true, force: true });
      const inARow = Math.min(1 + Math.floor(random() * mostInARow), kills - done);
      for (let number = 0; number < inARow; number += 1) {
        // After Node's start, and before the run is nearly finished.
        if (await killAfter(cwd, registry, 150 + random() * 1500)) downloading += 1;
        done += 1;
      }
      const sums = await runToItsEnd(cwd, registry);
      assert.equal(sums, wanted, `after ${done} kills`);
    }
    t.diagnostic(`${downloading} of ${kills} kills left a download unfinished`);
    assert.ok(downloading > 0, "some were in the middle of a download");
    assert.deepEqual(await readdir(join(cwd, "cache/locks")), []);
  });
});

/** @returns whether the run was left unfinished */
async function killAfter(cwd: string, registry: CountingRegistry, time: number): Promise<boolean> {
  const before = await keptOf(cwd);
  registry.served.length = 0;
  const child = start(cwd, registry);
  const outcome = outcomeOf(child);
  await Promise.race([delay(time), outcome]);
  child.kill("SIGKILL");
  await outcome;
  assertOnlyMissing(registry, before);
  return [...(await keptOf(cwd)).values()].some(({ isComplete }) => !isComplete);
}

/** @returns the result's checksums */
async function runToItsEnd(cwd: string, registry: CountingRegistry): Promise<string> {
  const before = await keptOf(cwd);
  registry.served.length = 0;
  const { status, stderr } = await outcomeOf(start(cwd, registry));
  assert.equal(status, 0, stderr);
  assertOnlyMissing(registry, before);
  for (const { digest, size } of layers) {
    const kept = await readFile(join(cwd, "cache/blobs/sha256", digest.slice(7)));
    assert.ok(kept.equals(content.bytes({ digest })), digest);
    const { size: had = 0 } = before.get(digest) ?? {};
    const sent = registry.served
      .filter((each) => each.digest === digest)
      .reduce((sum, each) => sum + each.sent, 0);
    assert.equal(sent, size - had, `${digest} of which ${had} bytes were there`);
  }
  return readFile(join(cwd, "out/SHA256SUMS"), "utf8");
}

function start(cwd: string, { host }: CountingRegistry) {
  const words = ["extract", `${host}/os/image:v1`, "-o", "out", "--platform=amd64", "--force"];
  return startProgram([...words, "--cache-dir=cache", "--compression=lz4"], { cwd });
}

/** Asserts that no byte was requested that was on disk when the run began. */
function assertOnlyMissing(registry: CountingRegistry, before: Map<string, Kept>): void {
  for (const { digest, from } of registry.served) {
    const kept = before.get(digest);
    assert.ok(!kept?.isComplete, `${digest} was complete, and was asked for`);
    if (layers.some((layer) => layer.digest === digest)) {
      assert.equal(from, kept?.size ?? 0, `${digest} is asked for from where it stopped`);
    }
  }
}

interface Kept {
  readonly size: number;
  readonly isComplete: boolean;
}

async function keptOf(cwd: string): Promise<Map<string, Kept>> {
  const blobs = join(cwd, "cache/blobs/sha256");
  const kept = new Map<string, Kept>();
  for (const name of await readdir(blobs).catch(() => [])) {
    const { size } = await stat(join(blobs, name));
    const [hex, suffix] = name.split(".");
    if (suffix === undefined || suffix === "partial") {
      kept.set(`sha256:${hex}`, { size, isComplete: suffix === undefined });
    }
  }
  return kept;
}

/** Mulberry32, a small generator that gives the same numbers everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
