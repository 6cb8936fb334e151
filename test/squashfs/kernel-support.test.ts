import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KernelConfig } from "../../src/kernel/index.js";
import {
  bcjFilterFor,
  chooseReadableCompression,
  compressorNames,
  formatCompression,
  lacksSquashfs,
  parseCompression,
  supportsCompressor,
} from "../../src/squashfs/index.js";

const configOf = (...lines: readonly string[]) =>
  new KernelConfig(Buffer.from(lines.map((line) => `${line}\n`).join("")));

describe("the compressors that a kernel can read", () => {
  /** Options as in Linux, fs/squashfs/Kconfig. */
  const cases: [name: string, lines: readonly string[], readable: readonly string[]][] = [
    [
      "are all of them if squashfs is a module with all options",
      [
        ...["CONFIG_SQUASHFS=m", "CONFIG_SQUASHFS_ZLIB=y", "CONFIG_SQUASHFS_LZ4=y"],
        ...["CONFIG_SQUASHFS_LZO=y", "CONFIG_SQUASHFS_XZ=y", "CONFIG_SQUASHFS_ZSTD=y"],
      ],
      ["gzip", "zstd", "xz", "lz4", "lzo"],
    ],
    [
      "are those that are enabled",
      [
        ...["CONFIG_SQUASHFS=y", "CONFIG_SQUASHFS_ZLIB=y", "CONFIG_SQUASHFS_XZ=y"],
        "# CONFIG_SQUASHFS_ZSTD is not set",
      ],
      ["gzip", "xz"],
    ],
    [
      "are assumed to be all of them if the configuration does not mention squashfs",
      ["CONFIG_EXT4_FS=y"],
      ["gzip", "zstd", "xz", "lz4", "lzo"],
    ],
  ];
  for (const [name, lines, readable] of cases) {
    it(name, () => {
      const config = configOf(...lines);
      assert.deepEqual(
        compressorNames.filter((compressor) => supportsCompressor(config, compressor)),
        readable,
      );
    });
  }

  it("are none for certain only if squashfs is explicitly disabled", () => {
    assert.equal(lacksSquashfs(configOf("# CONFIG_SQUASHFS is not set")), true);
    assert.equal(lacksSquashfs(configOf("CONFIG_SQUASHFS=m")), false);
    assert.equal(lacksSquashfs(configOf("CONFIG_EXT4_FS=y")), false);
  });
});

describe("the compression", () => {
  const cases: [requested: string, enabled: readonly string[], expected: string][] = [
    ["zstd:19", ["ZLIB", "ZSTD"], "zstd:19"],
    ["zstd:19", ["ZLIB", "XZ"], "gzip:9"],
    ["gzip:1", ["XZ", "ZSTD"], "zstd:3"],
    ["zstd:3", [], "gzip:9"],
  ];
  for (const [requested, enabled, expected] of cases) {
    it(`${requested} becomes ${expected} for a kernel with ${enabled.join(" and ") || "none"}`, () => {
      const options = enabled.map((name) => `CONFIG_SQUASHFS_${name}=y`);
      const config = configOf("CONFIG_SQUASHFS=y", ...options);
      const chosen = chooseReadableCompression(parseCompression(requested), config);
      assert.equal(formatCompression(chosen), expected);
    });
  }
});

describe("the BCJ filter", () => {
  it("matches the architecture if there is one for it", () => {
    assert.equal(bcjFilterFor("amd64", undefined), "x86");
    assert.equal(bcjFilterFor("arm64", undefined), "arm");
    assert.equal(bcjFilterFor("riscv64", undefined), undefined);
  });

  it("is not used if the kernel cannot read it", () => {
    assert.equal(bcjFilterFor("amd64", configOf("CONFIG_XZ_DEC_X86=y")), "x86");
    assert.equal(bcjFilterFor("amd64", configOf("CONFIG_XZ_DEC_ARM=y")), undefined);
  });
});
