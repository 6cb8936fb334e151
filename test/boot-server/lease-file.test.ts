import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LeaseFile, readLeases } from "../../src/boot-server/dhcp/lease-file.js";
import type { Lease } from "../../src/boot-server/dhcp/lease-pool.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

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
