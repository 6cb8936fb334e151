import { open, stat } from "node:fs/promises";
import { NetbootError } from "../support/index.js";
import type { Codec } from "./squashfs-compression.js";

/** The head of a squashfs 4.0 image (Linux, fs/squashfs/squashfs_fs.h, `squashfs_super_block`). */
export interface Superblock {
  readonly inodes: number;
  /** Seconds since 1970. */
  readonly created: number;
  readonly blockSize: number;
  readonly codec: Codec | undefined;
  /** Bytes that the file system takes; the file is padded beyond it. */
  readonly bytesUsed: number;
}

const magic = 0x73717368;
const size = 96;
const codecsById: readonly (Codec | undefined)[] = [
  undefined,
  "gzip",
  undefined,
  "lzo",
  "xz",
  "lz4",
  "zstd",
];

/** @returns undefined where the bytes are no squashfs 4.0 superblock */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < size || bytes.readUInt32LE(0) !== magic) return undefined;
  if (bytes.readUInt16LE(28) !== 4 || bytes.readUInt16LE(30) !== 0) return undefined;
  return {
    inodes: bytes.readUInt32LE(4),
    created: bytes.readUInt32LE(8),
    blockSize: bytes.readUInt32LE(12),
    codec: codecsById[bytes.readUInt16LE(20)],
    bytesUsed: Number(bytes.readBigUInt64LE(40)),
  };
}

/**
 * Checks a finished file against what it should hold: mksquashfs can exit with success after
 * leaving things out, and versions before 4.7.6 could split hard links.
 * @throws NetbootError SQUASHFS_INVALID
 */
export async function checkSquashfs(
  path: string,
  expected: { inodes: number; codec: Codec; blockSize: number },
): Promise<void> {
  const problem = await findProblem(path, expected);
  if (problem === undefined) return;
  throw new NetbootError(
    "SQUASHFS_INVALID",
    `mksquashfs reported success, but its result ${problem}.`,
    "Run the command again; if it happens again, try another version of squashfs-tools.",
  );
}

/** @returns undefined where the file is no squashfs 4.0 */
export async function readSuperblock(path: string): Promise<Superblock | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return parseSuperblock(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

async function findProblem(
  path: string,
  expected: { inodes: number; codec: Codec; blockSize: number },
): Promise<string | undefined> {
  const fileSize = await stat(path).then(
    (file) => file.size,
    () => undefined,
  );
  if (fileSize === undefined) return "is not there";
  const superblock = await readSuperblock(path);
  if (superblock === undefined) return "is no squashfs";
  if (superblock.bytesUsed > fileSize) {
    return `is cut short: ${fileSize} of ${superblock.bytesUsed} bytes`;
  }
  if (superblock.codec !== expected.codec) return `is not compressed with ${expected.codec}`;
  if (superblock.blockSize !== expected.blockSize) return "has another block size";
  if (superblock.inodes !== expected.inodes) {
    return `holds ${superblock.inodes} inodes instead of ${expected.inodes}`;
  }
  return undefined;
}
