import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { LeaseFile, readLeases } from "../../../../src/boot-server/dhcp/leases/lease-file.js";
import { LeaseLock } from "../../../../src/boot-server/dhcp/leases/lease-lock.js";
import type { Lease } from "../../../../src/boot-server/dhcp/leases/lease-pool.js";
import { temporaryDirectory } from "../../../extract/support/temporary-directory.js";
import { checkout } from "../../../support/checkout.js";

const until = Date.UTC(2026, 0, 1, 12);
const alpha: Lease = {
  client: "52:54:00:00:00:0a",
  address: "10.0.0.10",
  until,
  hostname: "alpha",
};
const beta: Lease = { client: "id 01", address: "10.0.0.11", until, hostname: undefined };
const line =
  '{"client":"52:54:00:00:00:0a","address":"10.0.0.10","until":"2026-01-01T12:00:00.000Z","hostname":"alpha"}\n';

async function newPath(): Promise<string> {
  return join(await temporaryDirectory(), "state", "leases");
}

describe("the lease lock", () => {
  const held = {
    code: "LEASES_UNUSABLE",
    message: /^Another running server/,
    hint: /--state-dir/,
  };

  it("keeps a second server out until the first one releases it", async () => {
    const path = await newPath();
    const lock = await LeaseLock.take(path);
    await assert.rejects(LeaseLock.take(path), held);
    await assert.rejects(LeaseLock.take(path), held);
    await lock.release();
    await (await LeaseLock.take(path)).release();
    assert.deepEqual(await readdir(dirname(path)), []);
  });

  it("is free after its process was killed", async () => {
    const path = await newPath();
    const program = join(checkout, ".build/test/boot-server/support/hold-lease-lock.js");
    const child = spawn(process.execPath, [program, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    await assert.rejects(LeaseLock.take(path), held);
    child.kill("SIGKILL");
    await ended;
    assert.deepEqual(await readdir(dirname(path)), ["leases.lock"]);
    await (await LeaseLock.take(path)).release();
  });

  it("works with a path that is too long for a socket", async () => {
    const path = join(await temporaryDirectory(), "a".repeat(200), "leases");
    const lock = await LeaseLock.take(path);
    await assert.rejects(LeaseLock.take(path), held);
    await lock.release();
  });

  it("reports a directory that cannot be used", async () => {
    const file = join(await temporaryDirectory(), "file");
    await writeFile(file, "");
    const attempt = LeaseLock.take(join(file, "leases"));
    await assert.rejects(attempt, { code: "LEASES_UNUSABLE", message: /cannot be locked \(/ });
  });
});

describe("the lease file", () => {
  it("holds a lease as a line of JSON when append resolves", async () => {
    const path = await newPath();
    const file = await LeaseFile.open(path, () => []);
    await file.append(alpha);
    assert.equal(await readFile(path, "utf8"), line);
    await file.close();
  });

  it("returns all leases of concurrent writes", async () => {
    const path = await newPath();
    const file = await LeaseFile.open(path, () => []);
    const many = Array.from({ length: 200 }, (_, number) => ({ ...beta, client: `id ${number}` }));
    await Promise.all(many.map((lease) => file.append(lease)));
    await file.close();
    assert.deepEqual(await readLeases(path), many);
  });

  it("has no leases if it is missing", async () => {
    assert.deepEqual(await readLeases(await newPath()), []);
  });

  const damage: [name: string, text: string][] = [
    ["a truncated last line", line.slice(0, 40)],
    ["a last line without a line break", line.trimEnd()],
    ["zeros, which some file systems leave after a crash", "\0".repeat(100)],
    ["a line that is not a lease", '{"client":1}\n'],
    ["an invalid address", line.replace("10.0.0.10", "10.0.0.256")],
    ["empty lines", "\n\n"],
  ];
  for (const [name, text] of damage) {
    it(`tolerates ${name}, and is repaired when it is opened`, async () => {
      const path = await newPath();
      const file = await LeaseFile.open(path, () => []);
      await file.append(beta);
      await file.close();
      await appendFile(path, text);
      const leases = await readLeases(path);
      assert.deepEqual(leases[0], beta);
      assert.equal(leases.length, name === "a last line without a line break" ? 2 : 1);
      const next = await LeaseFile.open(path, () => leases);
      await next.append(alpha);
      await next.close();
      assert.deepEqual((await readLeases(path)).at(-1), alpha);
    });
  }

  it("is compacted as it grows", async () => {
    const path = await newPath();
    const file = await LeaseFile.open(path, () => [alpha]);
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(Array.from({ length: 1000 }, () => file.append(alpha)));
    }
    assert.ok((await stat(path)).size < 15_000 * line.length);
    await file.append(beta);
    await file.close();
    const leases = await readLeases(path);
    assert.deepEqual([leases[0], leases.at(-1)], [alpha, beta]);
  });

  it("says what to do if it cannot be read or written", async () => {
    const path = await newPath();
    await mkdir(path, { recursive: true });
    for (const attempt of [readLeases(path), LeaseFile.open(path, () => [])]) {
      await assert.rejects(attempt, { code: "LEASES_UNUSABLE", hint: /--state-dir/ });
    }
    const file = join(await temporaryDirectory(), "file");
    await writeFile(file, "");
    const attempt = LeaseFile.open(join(file, "leases"), () => []);
    await assert.rejects(attempt, { code: "LEASES_UNUSABLE" });
  });
});
