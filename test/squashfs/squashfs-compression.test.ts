import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatCompression, parseBlockSize, parseCompression } from "../../src/squashfs/index.js";

/** Compressors and levels according to `mksquashfs -help`. */
const compressions = {
  zstd: { compressor: "zstd", level: 3 },
  "zstd:1": { compressor: "zstd", level: 1 },
  "zstd:22": { compressor: "zstd", level: 22 },
  gzip: { compressor: "gzip", level: 9 },
  "gzip:1": { compressor: "gzip", level: 1 },
  lzo: { compressor: "lzo", level: 8 },
  "lzo:9": { compressor: "lzo", level: 9 },
  xz: { compressor: "xz" },
  lz4: { compressor: "lz4" },
};
const invalidCompressions = [
  ...["", ":", "ZSTD", "bzip2", "lzma", "none", "zstd ", " zstd", "zstd:", "zstd:0", "zstd:23"],
  ...["zstd:-1", "zstd:3.0", "zstd:3:3", "zstd:1e1", "zstd:003", "gzip:0", "gzip:10", "lzo:10"],
  ...["xz:6", "lz4:1", "xz:", "toString", "__proto__"],
];

const blockSizes = {
  "4K": 4096,
  "4096": 4096,
  "8k": 8192,
  "128K": 131072,
  "131072": 131072,
  "1M": 1048576,
  "1m": 1048576,
  "1024K": 1048576,
};
const invalidBlockSizes = [
  ...["", "K", "0", "1", "2K", "2048", "100000", "3M", "2M", "1G"],
  ...["-4096", "4096.0", "4e3", "0x1000"],
  ...["4 K", " 4K", "4K ", "4KB", "4KiB", "1048577", "99999999999999999999"],
];

describe("--compression", () => {
  for (const [text, expected] of Object.entries(compressions)) {
    it(`accepts ${text} and formats it again`, () => {
      const compression = parseCompression(text);
      assert.deepEqual(compression, expected);
      assert.deepEqual(parseCompression(formatCompression(compression)), expected);
    });
  }
  for (const text of invalidCompressions) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseCompression(text), { code: "USAGE_INVALID" });
    });
  }
});

describe("--block-size", () => {
  for (const [text, bytes] of Object.entries(blockSizes)) {
    it(`reads ${text} as ${bytes} bytes`, () => assert.equal(parseBlockSize(text), bytes));
  }
  for (const text of invalidBlockSizes) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseBlockSize(text), { code: "USAGE_INVALID" });
    });
  }
});
