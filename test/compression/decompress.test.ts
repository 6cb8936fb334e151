import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readLayer } from "../../src/layers/read/layer.js";
import type { Blob } from "../../src/sources/index.js";
import { NetbootError } from "../../src/support/index.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { extractedSquashfs } from "../layers/support/extracted-squashfs.js";
import { bulk } from "../layers/support/merge-case.js";
import { withDirectory } from "../layers/support/unpacked-trees.js";
import { baseLayer } from "../support/base-layer.js";
import { sha256, type TestLayer, writeLayout } from "../support/image-layout.js";
import {
  type Compression,
  compress,
  compressions,
  gzipOfSize,
  mediaTypeOf,
  skippableFrame,
  zstd,
} from "../support/layer-compression.js";
import { tar } from "../support/tar-builder.js";

/** Large enough for several chunks of every reader. */
const archive = tar([
  { name: "first", content: "first" },
  bulk("large", 450_001),
  { name: "zeros", content: Buffer.alloc(1_000_000) },
  { name: "last", content: "last" },
]);
const entryCount = 4;
const archiveDigest = sha256(archive);
/** The archive in each compression. */
const blobs = Object.fromEntries(
  compressions.map((compression) => [compression, compress(archive, compression)]),
) as Readonly<Record<Compression, Buffer>>;
/** Written from a pipe, so that zstd does not reduce the window to the size of the archive. */
const blobWithLargeWindow = zstd(archive, ["-1", "--long=27"]);

const scratch = sharedDirectory();

/** PATH with igzip and zstd, and without any programs. */
const programs = {
  "with igzip and zstd": process.env.PATH ?? "",
  "without programs": "/nonexistent",
};

const anyDamage = ["LAYER_DAMAGED", "LAYER_MISMATCH"];

const junks = {
  "a few bytes": Buffer.from("junk"),
  "one byte": Buffer.from([0x2a]),
  "a block of letters": Buffer.alloc(512, "x"),
  "half a gzip header": Buffer.from([0x1f, 0x8b, 0x08]),
};

/** Blobs that are complete, and blobs that are still being downloaded. */
const arrivals = ["complete", "arriving"] as const;
type Arrival = (typeof arrivals)[number];

for (const [which, path] of Object.entries(programs)) {
  describe(`readLayer ${which}`, { timeout: 120_000 }, () => {
    for (const arrival of arrivals) {
      for (const compression of compressions) {
        it(`reads ${compression}, ${arrival}`, async () => {
          await succeeds({ blob: blobs[compression], arrival, path });
        });

        it(`rejects a blob that is cut off anywhere: ${compression}, ${arrival}`, async () => {
          const blob = blobs[compression];
          for (const end of shareOf(ends(blob, compression), compression, arrival)) {
            await fails({ blob: blob.subarray(0, end), arrival, path }, anyDamage, `cut at ${end}`);
          }
        });

        it(`rejects a blob with a changed byte: ${compression}, ${arrival}`, async () => {
          const blob = blobs[compression];
          for (const share of shareOf([0.2, 0.5, 0.7, 0.9], compression, arrival)) {
            const damaged = Buffer.from(blob);
            const at = Math.floor(blob.length * share);
            damaged[at] = damaged[at]! ^ 0x10;
            await fails({ blob: damaged, arrival, path }, anyDamage, `wrong at ${at}`);
          }
        });
      }

      for (const compression of ["gzip", "gzip-members", "zstd", "zstd-frames"] as const) {
        for (const [what, junk] of shareOf(Object.entries(junks), compression, arrival)) {
          it(`rejects ${what} after the blob: ${compression}, ${arrival}`, async () => {
            const blob = Buffer.concat([blobs[compression], junk]);
            await fails({ blob, arrival, path }, ["LAYER_DAMAGED"], what);
          });
        }
      }

      it(`ignores zeros after a gzip member, ${arrival}`, async () => {
        for (const count of [1, 512, 600_000]) {
          const blob = Buffer.concat([blobs.gzip, Buffer.alloc(count)]);
          await succeeds({ blob, arrival, path });
        }
      });

      it(`rejects zeros followed by junk after a gzip member, ${arrival}`, async () => {
        const blob = Buffer.concat([blobs.gzip, Buffer.alloc(100), Buffer.from("junk")]);
        await fails({ blob, arrival, path }, ["LAYER_DAMAGED"], "zeros, then junk");
      });

      it(`rejects junk after a gzip member that fills a chunk, ${arrival}`, async () => {
        for (const size of [64 * 1024, 512 * 1024, 1024 * 1024]) {
          const small = tar([bulk("large", Math.floor(size / 2))]);
          const member = gzipOfSize(small, size);
          await succeeds({ blob: member, plain: small, arrival, path });
          const blob = Buffer.concat([member, Buffer.from("junk")]);
          await fails({ blob, plain: small, arrival, path }, ["LAYER_DAMAGED"], `at ${size}`);
        }
      });

      it(`detects the compression by the first bytes and not by the media type, ${arrival}`, async () => {
        const wrong = { gzip: "zstd", zstd: "none", none: "gzip" } as const;
        for (const [actual, claimed] of Object.entries(wrong) as [Compression, Compression][]) {
          const mediaType = mediaTypeOf(claimed);
          await succeeds({ blob: blobs[actual], arrival, path, mediaType });
        }
      });
    }

    it("reads zstd with a window of 128 MiB", async () => {
      await succeeds({ blob: blobWithLargeWindow, arrival: "complete", path });
    });

    it("reads zstd between thousands of empty frames", async () => {
      const many = Buffer.concat(Array.from({ length: 20_000 }, () => skippableFrame(3, 0)));
      const blob = Buffer.concat([many, blobs.zstd, many]);
      await succeeds({ blob, arrival: "complete", path });
    });
  });
}

describe("readLayer of an uncompressed layer", () => {
  it("ignores zeros after the end", async () => {
    const plain = Buffer.concat([archive, Buffer.alloc(100_001)]);
    await succeeds({ blob: plain, plain, arrival: "complete" });
  });

  it("rejects junk after the end", async () => {
    for (const junk of [Buffer.from("junk"), Buffer.alloc(512, "x"), tar([{ name: "more" }])]) {
      const plain = Buffer.concat([archive, junk]);
      await fails({ blob: plain, plain, arrival: "complete" }, ["LAYER_DAMAGED"], "junk");
    }
  });

  it("rejects junk after one block of zeros", async () => {
    const plain = Buffer.concat([archive.subarray(0, -512), tar([{ name: "more" }])]);
    await fails({ blob: plain, plain, arrival: "complete" }, ["LAYER_DAMAGED"], "junk");
  });

  it("rejects an archive that is cut off in a header, an extension, contents or padding", async () => {
    const whole = tar([{ name: "n".repeat(200), content: "x".repeat(700) }]).subarray(0, -1024);
    for (let end = 1; end < whole.length; end += 37) {
      const plain = whole.subarray(0, end);
      await fails({ blob: plain, plain, arrival: "complete" }, ["LAYER_DAMAGED"], `at ${end}`);
    }
  });

  it("rejects a diff ID other than the configuration's", async () => {
    const other = tar([{ name: "other" }]);
    for (const compression of compressions) {
      const blob = blobs[compression];
      await fails({ blob, plain: other, arrival: "complete" }, ["LAYER_MISMATCH"], compression);
    }
  });
});

describe("extract", () => {
  const good = tar(baseLayer);
  const small = tar([{ name: "small", content: "x" }]);
  const wrong: Record<string, [TestLayer, string]> = {
    "cut short": [{ tar: archive, blob: blobs.gzip.subarray(0, -1000) }, "LAYER_DAMAGED"],
    "followed by junk": [
      { tar: archive, blob: Buffer.concat([blobs.gzip, Buffer.from("junk")]) },
      "LAYER_DAMAGED",
    ],
    "not the one with the diff ID": [{ tar: archive, diffId: sha256(good) }, "LAYER_MISMATCH"],
  };
  for (const [how, [layer, code]] of Object.entries(wrong)) {
    for (const place of ["top", "lower"]) {
      it(`fails without output if the ${place} layer is ${how}`, async () => {
        await withDirectory(async (scratch) => {
          const layout = join(scratch, "layout");
          const above: TestLayer[] = place === "lower" ? [{ tar: small }] : [];
          await writeLayout(layout, [{ tar: good }, layer, ...above]);
          await assert.rejects(extractedSquashfs(layout, scratch), { code });
          assert.ok(!existsSync(join(scratch, "out")), "there is output");
        });
      });
    }
  }
});

interface Reading {
  readonly blob: Buffer;
  /** The contents whose digest is the diff ID in the configuration. */
  readonly plain?: Buffer;
  readonly arrival: Arrival;
  /** PATH while the layer is read. */
  readonly path?: string;
  readonly mediaType?: string;
}

async function succeeds(reading: Reading): Promise<void> {
  const { plain = archive } = reading;
  const names: string[] = [];
  const hash = await read(reading, (name) => names.push(name));
  if (plain === archive) assert.equal(names.length, entryCount);
  assert.ok(names.length > 0);
  assert.match(hash, /^[0-9a-f]{64}$/);
}

async function fails(reading: Reading, codes: readonly string[], how: string): Promise<void> {
  let error: unknown;
  try {
    await read(reading, () => {});
  } catch (caught) {
    error = caught;
  }
  assert.ok(error !== undefined, `it was read without an error: ${how}`);
  assert.ok(error instanceof NetbootError, String(error));
  assert.ok(codes.includes(error.code), `${error.code}, ${how}`);
}

/** @returns the digest of all contents */
async function read(reading: Reading, onName: (name: string) => void): Promise<string> {
  const { blob, plain = archive, arrival, path, mediaType = "x" } = reading;
  const file = join(await scratch, "blob");
  await writeFile(file, blob);
  const hash = createHash("sha256");
  const before = process.env.PATH;
  if (path !== undefined) process.env.PATH = path;
  try {
    const descriptor = { mediaType, digest: "sha256:0", size: blob.length };
    await readLayer(
      {
        number: 0,
        count: 1,
        blob: new ArrivingBlob(descriptor, file, blob, arrival === "complete"),
        diffId: plain === archive ? archiveDigest : sha256(plain),
        impliedMtime: 0,
      },
      {
        entry: ({ name }) => {
          onName(name);
          return { write: (bytes) => hash.update(bytes), end: () => {} };
        },
      },
      new AbortController().signal,
    );
  } finally {
    process.env.PATH = before;
  }
  return hash.digest("hex");
}

/** A blob whose bytes arrive in pieces. */
class ArrivingBlob implements Blob {
  readonly complete = Promise.resolve();

  constructor(
    readonly descriptor: Blob["descriptor"],
    readonly path: string,
    readonly bytes: Buffer,
    readonly isComplete: boolean,
  ) {}

  get size(): number {
    return this.descriptor.size;
  }

  async *read(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.bytes.length; at += 64 * 1024) {
      await new Promise(setImmediate);
      yield this.bytes.subarray(at, at + 64 * 1024);
    }
  }
}

/**
 * Each reading starts a program or a worker, so gzip in one or several members, complete or arriving,
 * get a quarter of the items each, and so does zstd. Without compression, all.
 */
function shareOf<Item>(
  items: readonly Item[],
  compression: Compression,
  arrival: Arrival,
): readonly Item[] {
  if (compression === "none") return items;
  const variant = ["gzip", "zstd"].includes(compression) ? 0 : 1;
  const share = 2 * variant + arrivals.indexOf(arrival);
  return items.filter((_, index) => index % 4 === share);
}

/** Lengths at which to cut a blob: near its ends, and some in between. */
function ends({ length }: Buffer, compression: Compression): number[] {
  const shares = [0.1, 0.35, 0.5, 0.8].map((share) => Math.floor(length * share));
  // A skippable frame, or the zeros at the end of a plain archive, may be missing.
  const tail = compression === "none" ? 1_100 : compression === "zstd-frames" ? 1_010 : 1;
  return [0, 1, 3, 5, 17, 100, ...shares, length - tail, length - tail - 7];
}
