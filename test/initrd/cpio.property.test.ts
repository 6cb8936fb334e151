import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CpioReader } from "../../src/initrd/cpio.js";
import { InitrdFormatError } from "../../src/initrd/initrd-format-error.js";

/** Made by cpio, which also lists the names. */
const { archive, names } = (() => {
  const directory = mkdtempSync(join(tmpdir(), "kairos-netboot-test-"));
  try {
    mkdirSync(join(directory, "lib/modules/1.2.3"), { recursive: true });
    for (let size = 0; size < 12; size += 1) {
      writeFileSync(join(directory, `f${"x".repeat(size)}`), "y".repeat(size));
    }
    const options = { cwd: directory, shell: true, maxBuffer: 1e7 } as const;
    const archive = spawnSync("find . | sort | cpio -o -H newc --quiet", options).stdout;
    const listed = spawnSync("cpio -it --quiet", { ...options, input: archive }).stdout;
    return { archive, names: listed.toString().trimEnd().split("\n") };
  } finally {
    rmSync(directory, { recursive: true });
  }
})();

function read(chunks: readonly Buffer[]): string[] {
  const found: string[] = [];
  const reader = new CpioReader((name) => {
    found.push(name);
    return undefined;
  });
  for (const chunk of chunks) {
    if (reader.push(chunk) < chunk.length) throw new InitrdFormatError("has something else");
  }
  reader.finish();
  return found;
}

describe("CpioReader", () => {
  it("reads the same names however the archive is split into chunks", () => {
    const property = fc.property(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      (sizes) => {
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < archive.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          chunks.push(archive.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(read(chunks), names);
      },
    );
    fc.assert(property);
  });

  it("rejects an archive that is cut off anywhere before its end", () => {
    const end = archive.indexOf("TRAILER!!!") + "TRAILER!!!\0".length;
    for (let size = 1; size < end; size += 7) {
      assert.throws(() => read([archive.subarray(0, size)]), InitrdFormatError);
    }
    assert.deepEqual(read([archive.subarray(0, end)]), names);
  });

  it("reads or rejects an archive with changed bytes, without any other error", () => {
    const change = fc.tuple(fc.nat(archive.length - 1), fc.nat(255));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 10 }), (changes) => {
      const copy = Buffer.from(archive);
      for (const [at, value] of changes) copy[at] = value;
      try {
        read([copy]);
      } catch (error) {
        assert.ok(error instanceof InitrdFormatError, String(error));
      }
    });
    fc.assert(property, { numRuns: 500 });
  });
});
