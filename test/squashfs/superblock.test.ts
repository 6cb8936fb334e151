import assert from "node:assert/strict";
import { mkdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CompressorName, checkSquashfs, parseSuperblock } from "../../src/squashfs/index.js";
import { succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

const combinations: [compressor: CompressorName, blockSize: number][] = [
  ["gzip", 4096],
  ["xz", 131072],
  ["lz4", 8192],
  ["lzo", 65536],
  ["zstd", 1048576],
];

describe("the superblock of a squashfs", () => {
  for (const [compressor, blockSize] of combinations) {
    it(`made with ${compressor} is read as unsquashfs reads it`, async () => {
      const path = await squashfs(compressor, blockSize);
      const superblock = parseSuperblock(await readFile(path));
      const { stdout } = await succeed("unsquashfs", ["-s", path]);
      assert.deepEqual(superblock, {
        compressor: /^Compression (\w+)$/m.exec(stdout)![1],
        blockSize: Number(/^Block size (\d+)$/m.exec(stdout)![1]),
        inodes: Number(/^Number of inodes (\d+)$/m.exec(stdout)![1]),
        bytesUsed: Number(/^Filesystem size (\d+) bytes/m.exec(stdout)![1]),
        created: 1_700_000_000,
      });
      await checkSquashfs(path, { inodes: 5, compressor, blockSize });
    });
  }

  it("is not found in bytes that are something else", async () => {
    const path = await squashfs("zstd", 4096);
    const bytes = await readFile(path);
    assert.equal(parseSuperblock(Buffer.alloc(0)), undefined);
    assert.equal(parseSuperblock(Buffer.alloc(96)), undefined);
    assert.equal(parseSuperblock(bytes.subarray(0, 95)), undefined);
    // Version 3.1 (squashfs_fs.h: s_major at 28, s_minor at 30).
    const old = Buffer.from(bytes);
    old.writeUInt16LE(3, 28);
    old.writeUInt16LE(1, 30);
    assert.equal(parseSuperblock(old), undefined);
    // A big-endian magic number.
    assert.equal(parseSuperblock(Buffer.from(bytes).swap32()), undefined);
  });

  it("is parsed from random bytes without a crash", () => {
    const head = Buffer.from("hsqs");
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ maxLength: 200 }), (isMarked, bytes) => {
        parseSuperblock(isMarked ? Buffer.concat([head, bytes]) : Buffer.from(bytes));
      }),
    );
  });
});

describe("the check of a finished squashfs", () => {
  const correct = { inodes: 5, compressor: "zstd", blockSize: 4096 } as const;
  const mismatches: [
    name: string,
    expected: Parameters<typeof checkSquashfs>[1],
    message: RegExp,
  ][] = [
    ["too few inodes", { ...correct, inodes: 6 }, /5 inodes instead of 6/],
    ["too many inodes", { ...correct, inodes: 4 }, /5 inodes instead of 4/],
    ["another compressor", { ...correct, compressor: "gzip" }, /gzip/],
    ["another block size", { ...correct, blockSize: 8192 }, /block size/],
  ];
  for (const [name, expected, message] of mismatches) {
    it(`finds ${name}`, async () => {
      const path = await squashfs("zstd", 4096);
      await assert.rejects(checkSquashfs(path, expected), { code: "SQUASHFS_INVALID", message });
    });
  }

  const damages: [name: string, damage: (path: string) => Promise<void>, message: RegExp][] = [
    ["a truncated file", (path) => truncate(path, 200), /cut short/],
    ["a file of half a superblock", (path) => truncate(path, 50), /not a squashfs/],
    ["an empty file", (path) => truncate(path, 0), /not a squashfs/],
    ["another file", (path) => writeFile(path, "x".repeat(5000)), /not a squashfs/],
  ];
  for (const [name, damage, message] of damages) {
    it(`finds ${name}`, async () => {
      const path = await squashfs("zstd", 4096);
      await damage(path);
      await assert.rejects(checkSquashfs(path, correct), { code: "SQUASHFS_INVALID", message });
    });
  }
});

/** A file system of five inodes: root, directory, two files, symlink. */
async function squashfs(compressor: CompressorName, blockSize: number): Promise<string> {
  const directory = await temporaryDirectory();
  const root = join(directory, "root");
  await mkdir(join(root, "directory"), { recursive: true });
  await writeFile(join(root, "one"), "one".repeat(100));
  await writeFile(join(root, "directory/two"), "two");
  await symlink("one", join(root, "link"));
  const path = join(directory, "made.squashfs");
  const options = ["-comp", compressor, "-b", String(blockSize), "-mkfs-time", "1700000000"];
  await succeed("mksquashfs", [root, path, "-quiet", "-no-progress", ...options]);
  return path;
}
