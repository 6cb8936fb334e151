import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { parseApkInstalled } from "../../src/sbom/apk.js";
import { parseDpkgStatus } from "../../src/sbom/dpkg.js";
import { PackageDatabaseError } from "../../src/sbom/package.js";
import { parseRpmHeader } from "../../src/sbom/rpm-header.js";
import { ndbHeaders } from "../../src/sbom/rpm-ndb.js";
import { SqliteDatabase } from "../../src/sbom/rpm-sqlite.js";
import { ndb } from "./support/ndb.js";
import { rpmRoot } from "./support/rpm-root.js";

/** Changes some bytes, and perhaps cuts off the end. */
const damaged = (bytes: Buffer) =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 30 }),
      fc.oneof(fc.constant(bytes.length), fc.nat(bytes.length)),
    )
    .map(([changes, length]) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of changes) copy[at] = value;
      return copy.subarray(0, length);
    });

function succeedsOrRejects(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof PackageDatabaseError, String(error));
  }
}

describe("a damaged package database", () => {
  let database: Buffer;
  let headers: Buffer[];

  before(async () => {
    database = await readFile((await rpmRoot()).database);
    const rows = [...new SqliteDatabase(database).rows("Packages")];
    headers = rows.map(([, blob]) => blob as Buffer);
  });

  it("is read or rejected in finite time: SQLite", () => {
    const property = fc.property(damaged(database), (bytes) => {
      succeedsOrRejects(() => [...new SqliteDatabase(bytes).rows("Packages")]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("is read or rejected in finite time: SQLite with a write-ahead log", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
      const log = Buffer.from(bytes);
      if (log.length > 32) log.writeUInt32BE(0x377f0682, 0);
      if (log.length > 32) log.writeUInt32BE(4096, 8);
      succeedsOrRejects(() => [...new SqliteDatabase(database, log).rows("Packages")]);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it("is read or rejected: header of rpm", () => {
    const property = fc.property(damaged(headers.at(-1)!), (bytes) => {
      succeedsOrRejects(() => parseRpmHeader(bytes));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("is read or rejected: ndb", () => {
    const property = fc.property(damaged(ndb(headers)), (bytes) => {
      succeedsOrRejects(() => [...ndbHeaders(bytes)].map(parseRpmHeader));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("is always read: texts of dpkg and apk", () => {
    const text = fc.array(
      fc.constantFrom("Package: a\n", "Version: 1\n", "P:a\n", "V:1\n", "\n", " ", ":", "\t", "x"),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(text, (parts) => {
        for (const { name } of parseDpkgStatus(parts.join(""))) assert.ok(name !== undefined);
        for (const { name } of parseApkInstalled(parts.join(""))) assert.ok(name !== undefined);
      }),
    );
  });

  it("is read quickly: long lines of spaces", { timeout: 20_000 }, () => {
    const spaces = " ".repeat(2_000_000);
    assert.equal(parseDpkgStatus(`Package: a${spaces}x\nVersion: 1\n\n${spaces}\n`).length, 1);
    assert.equal(parseApkInstalled(`P:a\nV:1\nL:${spaces}x\n`).length, 1);
  });
});
