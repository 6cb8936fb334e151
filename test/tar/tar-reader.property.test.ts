import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { blocksOf, extension, paxRecords, tar } from "../support/tar-builder.js";
import { headerBlock, withChecksum } from "../support/tar-header-block.js";
import { allFeatures } from "./support/all-features.js";
import { readArchive } from "./support/read-archive.js";

/** Set LAYERS_SEED and LAYERS_RUNS to choose others. */
const seed = Number(process.env.LAYERS_SEED ?? 20_240_101);
const numRuns = Number(process.env.LAYERS_RUNS ?? 3000);
/** Processor time that no archive of these sizes takes, even on the slowest machine. */
const maxCpuMs = 2000;

const cuts = fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 20 });

/** Splits `bytes` into pieces of these lengths, repeatedly, and overwrites each piece after use. */
function* inPieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length]!;
    const piece = Buffer.from(bytes.subarray(at, at + length));
    yield piece;
    piece.fill(0xff);
    at += length;
  }
}

type Edit =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "write"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "end"; readonly at: number };

const at = fc.nat(allFeatures.length - 1);
const length = fc.oneof(
  fc.nat(3000),
  fc.nat(5).map((blocks) => blocks * 512),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({
    kind: fc.constant("write" as const),
    at,
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 16 }),
      fc.constantFrom("0", "7777777", "-1", "=", "\n", "\0", "99999999999 ").map(Buffer.from),
    ),
  }),
  fc.record({ kind: fc.constant("cut" as const), at, length }),
  fc.record({ kind: fc.constant("repeat" as const), at, length }),
  fc.record({ kind: fc.constant("end" as const), at }),
);

function edited(bytes: Buffer, one: Edit): Buffer {
  const copy = Buffer.from(bytes);
  switch (one.kind) {
    case "flip":
      if (one.at < copy.length) copy[one.at] = copy[one.at]! ^ (1 << one.bit);
      return copy;
    case "write":
      copy.set(
        Buffer.from(one.bytes).subarray(0, Math.max(copy.length - one.at, 0)),
        Math.min(one.at, copy.length),
      );
      return copy;
    case "cut":
      return Buffer.concat([bytes.subarray(0, one.at), bytes.subarray(one.at + one.length)]);
    case "repeat":
      return Buffer.concat([bytes.subarray(0, one.at + one.length), bytes.subarray(one.at)]);
    default:
      return copy.subarray(0, one.at);
  }
}

/** Without correct checksums, these tests would only test checksums. */
function withValidChecksums(bytes: Buffer): Buffer {
  for (let start = 0; start + 512 <= bytes.length; start += 512) {
    const block = bytes.subarray(start, start + 512);
    if (/^ustar/.test(block.toString("latin1", 257, 262))) withChecksum(block);
  }
  return bytes;
}

const mutated = fc
  .tuple(fc.array(edit, { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([edits, hasValidChecksums]) => {
    const bytes = edits.reduce(edited, allFeatures);
    return hasValidChecksums ? withValidChecksums(Buffer.from(bytes)) : bytes;
  });

function timed<Result>(action: () => Result): Result {
  const start = process.cpuUsage();
  const result = action();
  const { user, system } = process.cpuUsage(start);
  const cpuMs = (user + system) / 1000;
  assert.ok(cpuMs < maxCpuMs, `it took ${Math.round(cpuMs)} ms of processor time`);
  return result;
}

describe(`the tar reader, seed ${seed}, ${numRuns} runs`, () => {
  it("reads the archive that these tests mutate", () => {
    const { entries, refusal } = readArchive([allFeatures]);
    assert.equal(refusal, undefined);
    assert.equal(entries.length, 18);
  });

  it("gives the same result however the archive is split", () => {
    const whole = readArchive([allFeatures]);
    fc.assert(
      fc.property(cuts, (lengths) => {
        assert.deepEqual(readArchive(inPieces(allFeatures, lengths)), whole);
      }),
      { seed, numRuns: numRuns / 10 },
    );
  });

  it("reads or refuses mutated archives quickly, however they are split", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(mutated, cuts, (bytes, lengths) => {
        const whole = timed(() => readArchive([bytes]));
        seen.add(whole.refusal?.replace(/[0-9]+/g, "N") ?? "");
        assert.deepEqual(
          timed(() => readArchive(inPieces(bytes, lengths))),
          whole,
        );
      }),
      { seed, numRuns },
    );
    // Mutations with only a few kinds of errors would not test much.
    assert.ok(seen.size > 10, [...seen].join("; "));
  });

  it("reads or refuses random bytes, with or without a header before them", () => {
    const header = blocksOf({ name: "x", size: 100_000 });
    const pax = extension("x", "x", Buffer.alloc(0));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom(Buffer.alloc(0), header, pax),
        cuts,
        (random, before, lengths) => {
          const bytes = Buffer.concat([before, random]);
          const whole = timed(() => readArchive([bytes]));
          assert.deepEqual(
            timed(() => readArchive(inPieces(bytes, lengths))),
            whole,
          );
        },
      ),
      { seed, numRuns },
    );
  });

  it("reads or refuses random pax records", () => {
    const keyword = fc.constantFrom(
      ...["path", "linkpath", "size", "uid", "gid", "mtime", "SCHILY.xattr.user.x", "comment"],
      ...["GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize"],
      ...["GNU.sparse.size", "GNU.sparse.map", "GNU.sparse.offset", "GNU.sparse.numbytes"],
      ...["GNU.sparse.numblocks", "", "=", "\0"],
    );
    const value = fc.oneof(
      fc.constantFrom("", "0", "1", "-1", "1.5", "-0.1", "9".repeat(20), "1,2,3,4", "0,512", "x/y"),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.nat().map(String),
    );
    const records = fc.array(fc.tuple(keyword, value), { maxLength: 8 });
    fc.assert(
      fc.property(records, records, fc.nat(2000), cuts, (global, pax, size, lengths) => {
        const content = Buffer.alloc(size, "1\n0\n5\n\0");
        const bytes = tar([{ global }, { name: "x", content, pax }, { name: "after" }]);
        const whole = timed(() => readArchive([bytes]));
        assert.deepEqual(
          timed(() => readArchive(inPieces(bytes, lengths))),
          whole,
        );
      }),
      { seed, numRuns },
    );
  });
});

/** A layer that must not be kept in memory, in chunks that each have memory of their own. */
function* repeated(start: Buffer, chunk: Buffer, megabytes: number): Generator<Buffer> {
  yield start;
  for (let sent = 0; sent < megabytes * 1024 * 1024; sent += chunk.length) {
    yield Buffer.from(chunk);
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Bytes of memory in use, without garbage. */
function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function assertBoundedMemory(pieces: Iterable<Buffer>): void {
  const before = bytesInUse();
  const watched = function* () {
    let turn = 0;
    for (const piece of pieces) {
      yield piece;
      turn += 1;
      if (turn % 50 > 0) continue;
      const megabytes = Math.round((bytesInUse() - before) / 1024 / 1024);
      assert.ok(megabytes < 100, `it keeps ${megabytes} MB`);
    }
  };
  readArchive(watched());
}

describe("the tar reader, reading a malicious archive", () => {
  it("reads or refuses an extended header with very many very short records", () => {
    const records = paxRecords(Array.from({ length: 200_000 }, () => ["a", ""]));
    timed(() => readArchive([extension("x", "x", records), tar([{ name: "f" }])]));
    timed(() => readArchive([extension("g", "g", records), tar([{ name: "f" }])]));
  });

  it("does not collect extended headers without an entry", () => {
    assertBoundedMemory(repeated(Buffer.alloc(0), manyRecords("x", 0), 250));
  });

  it("does not collect global headers", () => {
    const headers = function* () {
      for (let turn = 0; turn < 250; turn += 1) yield manyRecords("g", turn);
    };
    assertBoundedMemory(headers());
  });

  it("does not spend time on global records for each entry", () => {
    const global = Array.from({ length: 20_000 }, (_, index) => [`key${index}`, "v"] as const);
    const entries = Array.from({ length: 3_000 }, (_, index) => ({ name: `f${index}` }));
    timed(() => readArchive([tar([{ global }, ...entries])]));
  });

  it("does not collect an endless sparse map", () => {
    const start = sparseHeader([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.realsize", "1000"],
      ["size", String(2 ** 39)],
    ]);
    const first = Buffer.alloc(512);
    first.write("1000000\n");
    const zeros = Buffer.alloc(1024 * 1024);
    assertBoundedMemory(repeated(Buffer.concat([start, first]), zeros, 250));
  });

  it("does not collect endless GNU sparse regions", () => {
    const header = headerBlock({
      name: Buffer.from("s"),
      typeFlag: "S",
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
      link: Buffer.alloc(0),
      device: [0, 0],
      dialect: "gnu",
    });
    header[482] = 1;
    const block = Buffer.alloc(512, "00000000001\0");
    block[504] = 1;
    const chunk = Buffer.concat(Array.from({ length: 2048 }, () => block));
    assertBoundedMemory(repeated(withChecksum(header), chunk, 250));
  });
});

/** An extended header of just under 1 MiB. */
function manyRecords(typeFlag: string, turn: number): Buffer {
  const value = Buffer.alloc(1000, "v");
  const records = Array.from({ length: 1000 }, (_, index) => [`${turn}-${index}`, value] as const);
  return extension(typeFlag, "x", paxRecords(records));
}

function sparseHeader(pax: readonly (readonly [string, string])[]): Buffer {
  return blocksOf({ name: "s", pax });
}
