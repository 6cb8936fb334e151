import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { LeaseFile, readLeases } from "../../../src/boot-server/dhcp/leases/lease-file.js";
import { LeaseLock } from "../../../src/boot-server/dhcp/leases/lease-lock.js";
import type { Lease } from "../../../src/boot-server/dhcp/leases/lease-pool.js";
import { checkout } from "../../extract/support/program.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

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

describe("the lock of leases", () => {
  const held = {
    code: "LEASES_UNUSABLE",
    message: /^Another server that runs/,
    hint: /--state-dir/,
  };

  it("keeps a second server away until the first has ended", async () => {
    const path = await newPath();
    const lock = await LeaseLock.take(path);
    await assert.rejects(LeaseLock.take(path), held);
    await assert.rejects(LeaseLock.take(path), held);
    await lock.release();
    await (await LeaseLock.take(path)).release();
    assert.deepEqual(await readdir(dirname(path)), []);
  });

  it("is of nobody any more once its process was killed", async () => {
    const path = await newPath();
    const module = join(checkout, "dist/boot-server/dhcp/lease-lock.js");
    const program = `const { LeaseLock } = await import(process.argv[1]);
      await LeaseLock.take(process.argv[2]); console.log("taken"); setInterval(() => {}, 1000);`;
    const words = ["--input-type=module", "-e", program, module, path];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    await assert.rejects(LeaseLock.take(path), held);
    child.kill("SIGKILL");
    await ended;
    assert.deepEqual(await readdir(dirname(path)), ["leases.lock"]);
    await (await LeaseLock.take(path)).release();
  });

  it("may have a long path", async () => {
    const path = join(await temporaryDirectory(), "a".repeat(200), "leases");
    const lock = await LeaseLock.take(path);
    await assert.rejects(LeaseLock.take(path), held);
    await lock.release();
  });

  it("says so where its directory cannot be used", async () => {
    const file = join(await temporaryDirectory(), "file");
    await writeFile(file, "");
    const attempt = LeaseLock.take(join(file, "leases"));
    await assert.rejects(attempt, { code: "LEASES_UNUSABLE", message: /cannot be locked \(/ });
  });
});

describe("the file of leases", () => {
  it("has a lease when the promise of it holds, in a line of JSON", async () => {
    const path = await newPath();
    const file = await LeaseFile.open(path, () => []);
    await file.append(alpha);
    assert.equal(await readFile(path, "utf8"), line);
    await file.close();
  });

  it("is read as it was written, also by many at once", async () => {
    const path = await newPath();
    const file = await LeaseFile.open(path, () => []);
    const many = Array.from({ length: 200 }, (_, number) => ({ ...beta, client: `id ${number}` }));
    await Promise.all(many.map((lease) => file.append(lease)));
    await file.close();
    assert.deepEqual(await readLeases(path), many);
  });

  it("that is not there yet has none", async () => {
    assert.deepEqual(await readLeases(await newPath()), []);
  });

  const damage: [name: string, text: string][] = [
    ["a last line that was cut short", line.slice(0, 40)],
    ["a line without its end", line.trimEnd()],
    ["zeros, as some file systems leave them", "\0".repeat(100)],
    ["a line that is no lease", '{"client":1}\n'],
    ["an address that is none", line.replace("10.0.0.10", "10.0.0.256")],
    ["empty lines", "\n\n"],
  ];
  for (const [name, text] of damage) {
    it(`is read in spite of ${name}, and whole again when it is opened`, async () => {
      const path = await newPath();
      const file = await LeaseFile.open(path, () => []);
      await file.append(beta);
      await file.close();
      await appendFile(path, text);
      const leases = await readLeases(path);
      assert.deepEqual(leases[0], beta);
      assert.equal(leases.length, name === "a line without its end" ? 2 : 1);
      const next = await LeaseFile.open(path, () => leases);
      await next.append(alpha);
      await next.close();
      assert.deepEqual((await readLeases(path)).at(-1), alpha);
    });
  }

  it("does not grow for ever", async () => {
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

  it("that cannot be written or read is told of, and how to have another", async () => {
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
