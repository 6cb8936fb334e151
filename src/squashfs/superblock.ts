import { open, stat } from "node:fs/promises";
import { NetbootError } from "../support/index.js";
import { type CompressorName, compressorNameOfId } from "./compressors.js";

/** The start of a squashfs 4.0 image (Linux, fs/squashfs/squashfs_fs.h, `squashfs_super_block`). */
export interface Superblock {
  readonly inodes: number;
  /** Creation time in seconds since 1970. */
  readonly created: number;
  /** Bytes. */
  readonly blockSize: number;
  /** Undefined if this program does not know the compressor. */
  readonly compressor: CompressorName | undefined;
  /** Bytes that the file system occupies; the file has padding after them. */
  readonly bytesUsed: number;
}

const magic = 0x73717368;
const superblockBytes = 96;

/** @returns undefined if the bytes are not a squashfs 4.0 superblock */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < superblockBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  if (bytes.readUInt16LE(28) !== 4 || bytes.readUInt16LE(30) !== 0) return undefined;
  return {
    inodes: bytes.readUInt32LE(4),
    created: bytes.readUInt32LE(8),
    blockSize: bytes.readUInt32LE(12),
    compressor: compressorNameOfId(bytes.readUInt16LE(20)),
    bytesUsed: Number(bytes.readBigUInt64LE(40)),
  };
}

/** @returns undefined if the file is not a squashfs 4.0 image */
export async function readSuperblock(path: string): Promise<Superblock | undefined> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(superblockBytes);
    const { bytesRead } = await file.read(head, 0, superblockBytes, 0);
    return parseSuperblock(head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The properties that a finished squashfs must have. */
export interface ExpectedSquashfs {
  readonly inodes: number;
  readonly compressor: CompressorName;
  /** Bytes. */
  readonly blockSize: number;
}

/**
 * Checks a finished file: mksquashfs can report success although it left something out, and
 * versions before 4.7.6 could split hard links.
 * @throws NetbootError SQUASHFS_INVALID
 */
export async function checkSquashfs(path: string, expected: ExpectedSquashfs): Promise<void> {
  const mismatch = await describeMismatch(path, expected);
  if (mismatch === undefined) return;
  throw new NetbootError(
    "SQUASHFS_INVALID",
    `mksquashfs reported success, but the file that it wrote ${mismatch}.`,
    "Run the command again. If the error persists, try another version of squashfs-tools.",
  );
}

async function describeMismatch(
  path: string,
  expected: ExpectedSquashfs,
): Promise<string | undefined> {
  const fileSize = await stat(path).then(
    (file) => file.size,
    () => undefined,
  );
  if (fileSize === undefined) return "does not exist";
  const superblock = await readSuperblock(path);
  if (superblock === undefined) return "is not a squashfs";
  const { compressor, blockSize, inodes, bytesUsed } = superblock;
  if (bytesUsed > fileSize) return `is cut short: ${fileSize} of ${bytesUsed} bytes`;
  if (compressor !== expected.compressor) return `is not compressed with ${expected.compressor}`;
  if (blockSize !== expected.blockSize) {
    return `has a block size of ${blockSize} bytes instead of ${expected.blockSize}`;
  }
  if (inodes !== expected.inodes) return `has ${inodes} inodes instead of ${expected.inodes}`;
  return undefined;
}
