import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { OciClientError, Retry } from "../../../src/oci-client/index.js";
import { BlobCache } from "../../../src/sources/cache/blob-cache.js";
import { CacheSession } from "../../../src/sources/cache/cache-session.js";
import { Download } from "../../../src/sources/registry/download.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { digestOf, ociLayerType } from "../../oci-client/support/image-content.js";

const digest = `sha256:${"a".repeat(64)}`;
const timing = { heartbeatIntervalMs: 50, silenceTimeoutMs: 600, pollIntervalMs: 10 };

/** @param nowMs the clock on which the session measures silence */
function open(t: TestContext, directory: string, nowMs?: () => number): CacheSession {
  const session = new CacheSession(directory, timing, nowMs);
  t.after(() => session.close());
  return session;
}

describe("claims on a blob", () => {
  it("to fill it are held by one session at a time", async (t) => {
    const directory = await temporaryDirectory();
    const [one, other] = [open(t, directory), open(t, directory)];
    const claim = await one.claim(digest, "fill");
    assert.ok(claim);
    assert.equal(await other.claim(digest, "fill"), undefined);
    assert.ok(await other.claim(`sha256:${"b".repeat(64)}`, "fill"), "another blob is free");
    await claim.release();
    assert.ok(await other.claim(digest, "fill"));
  });

  it("to use it are held by any number of sessions, and prevent pruning", async (t) => {
    const directory = await temporaryDirectory();
    const [one, other, pruner] = [open(t, directory), open(t, directory), open(t, directory)];
    await one.use(digest, t.signal);
    await other.use(digest, t.signal);
    assert.equal(await pruner.claim(digest, "prune"), undefined);
    await one.close();
    assert.equal(await pruner.claim(digest, "prune"), undefined);
    await other.close();
    assert.ok(await pruner.claim(digest, "prune"));
  });

  it("to use it wait for a session that is removing the blob", async (t) => {
    const directory = await temporaryDirectory();
    const [user, pruner] = [open(t, directory), open(t, directory)];
    const claim = await pruner.claim(digest, "prune");
    let isUsing = false;
    const using = user.use(digest, t.signal).then(() => {
      isUsing = true;
    });
    const ownClaim = (name: string) => name.includes(".use.");
    while (!(await readdir(join(directory, "locks"))).some(ownClaim)) await delay(5);
    await delay(2 * timing.pollIntervalMs);
    assert.equal(isUsing, false);
    await claim!.release();
    await using;
  });

  it("to fill it are never held by two of eight concurrent sessions", async (t) => {
    const directory = await temporaryDirectory();
    const sessions = Array.from({ length: 8 }, () => open(t, directory));
    let holders = 0;
    let turns = 0;
    await Promise.all(
      sessions.map(async (session) => {
        for (let own = 0; own < 5; ) {
          const claim = await session.claim(digest, "fill");
          if (claim !== undefined) {
            holders += 1;
            assert.equal(holders, 1);
            await delay(2);
            holders -= 1;
            own += 1;
            turns += 1;
            await claim.release();
          }
          await delay(Math.random() * 20);
        }
      }),
    );
    assert.equal(turns, 40);
  });

  it("of a killed process are void immediately", async (t) => {
    const directory = await temporaryDirectory();
    const { pid, start } = await killedProcess();
    await leaveClaim(directory, { pid, start, ...(await here()) });
    assert.ok(await open(t, directory).claim(digest, "fill"));
    assert.deepEqual((await readdir(join(directory, "locks"))).filter(isOld), []);
  });

  it("of a process whose number another process has now are void immediately", async (t) => {
    const directory = await temporaryDirectory();
    await leaveClaim(directory, { pid: process.pid, start: "1", ...(await here()) });
    assert.ok(await open(t, directory).claim(digest, "fill"));
  });

  const far = { namespace: "pid:[1]" };
  for (const [name, identity] of [
    ["in another container, with this process's number", { pid: process.pid, ...far }],
    ["in another container, with a number that no process has here", { pid: 4_194_305, ...far }],
    ["on another machine", { pid: 1, boot: "another" }],
  ] as const) {
    it(`of a process ${name} are valid as long as it gives signs of life`, async (t) => {
      const directory = await temporaryDirectory();
      const path = await leaveClaim(directory, { start: "1", ...(await here()), ...identity });
      let nowMs = 0;
      const session = open(t, directory, () => nowMs);
      for (let beat = 1; beat <= 5; beat += 1) {
        const then = Date.now() / 1000 - 60 + beat;
        await utimes(path, then, then);
        assert.equal(await session.claim(digest, "fill"), undefined);
        nowMs += timing.silenceTimeoutMs + 1;
      }
      assert.ok(await session.claim(digest, "fill"));
    });
  }

  it("of a container that ended long ago are void immediately", async (t) => {
    const directory = await temporaryDirectory();
    const path = await leaveClaim(directory, { pid: 1, start: "1", ...(await here()), ...far });
    await utimes(path, 0, 0);
    assert.ok(await open(t, directory).claim(digest, "fill"));
  });

  it("of a session with an invalid file are valid until the silence timeout", async (t) => {
    const directory = await temporaryDirectory();
    const path = await leaveClaim(directory, {});
    await writeFile(path, "{");
    let nowMs = 0;
    const session = open(t, directory, () => nowMs);
    assert.equal(await session.claim(digest, "fill"), undefined);
    nowMs += timing.silenceTimeoutMs;
    assert.equal(await session.claim(digest, "fill"), undefined);
    nowMs += 1;
    assert.ok(await session.claim(digest, "fill"));
  });

  it("are lost if other processes considered the session dead, and the holder is told", async (t) => {
    const directory = await temporaryDirectory();
    const session = open(t, directory);
    await session.use(digest, t.signal);
    const claim = await session.claim(digest, "fill");
    const locks = join(directory, "locks");
    for (const name of await readdir(locks)) await rm(join(locks, name));
    while (!claim!.lost.aborted) await delay(20);
    // A new session claims again what the old one used.
    const pruner = open(t, directory);
    while ((await readdir(locks)).length < 2) await delay(20);
    assert.equal(await pruner.claim(digest, "prune"), undefined);
  });
});

const id = "old-session";

it("a download that loses its claim does not wait until the pause between two attempts ends", async (t) => {
  const directory = await temporaryDirectory();
  const cache = new BlobCache(directory, timing);
  t.after(() => cache.close());
  const bytes = Buffer.from("a layer");
  const descriptor = { mediaType: ociLayerType, digest: digestOf(bytes), size: bytes.length };
  const policy = { totalMs: 2 ** 31, firstPauseMs: 2 ** 30, maxPauseMs: 2 ** 30 };
  let attempts = 0;
  let retries = 0;
  const download = new Download(
    descriptor,
    {
      cache,
      signal: t.signal,
      openAt: async (offset) => {
        attempts += 1;
        if (attempts > 1) return { body: Readable.from([bytes.subarray(offset)]), offset };
        const hint = "Wait.";
        throw new OciClientError("REGISTRY_ERROR", "It is busy.", { hint, failure: "busy" });
      },
      newRetry: async (signal) => {
        retries += 1;
        // Other processes consider this one dead while it waits.
        const onWait = () => removeSessions(directory);
        return new Retry({ policy, signal, onWait });
      },
    },
    (task) => task(),
  );
  await download.complete;
  assert.deepEqual([attempts, retries], [2, 2]);
  assert.deepEqual(await readFile(download.path), bytes);
});

function removeSessions(directory: string): void {
  const locks = join(directory, "locks");
  for (const name of readdirSync(locks)) rmSync(join(locks, name));
}

function isOld(name: string): boolean {
  return name.includes(id);
}

/** Writes the files of another process's claim, as ARCHITECTURE.md describes them. */
async function leaveClaim(directory: string, identity: object): Promise<string> {
  const locks = join(directory, "locks");
  await mkdir(locks, { recursive: true });
  const path = join(locks, `${id}.session`);
  await writeFile(path, JSON.stringify(identity));
  await writeFile(join(locks, `${digest.replace(":", "-")}.fill.${id}`), "");
  return path;
}

async function here() {
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  return { boot, namespace: await readlink("/proc/self/ns/pid") };
}

async function killedProcess(): Promise<{ pid: number; start: string }> {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const stat = await readFile(`/proc/${child.pid}/stat`, "latin1");
  child.kill("SIGKILL");
  await once(child, "exit");
  return { pid: child.pid!, start: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]! };
}
