import {
  type ByteString,
  blockSize,
  formatPaxRecords,
  type PaxRecords,
  toBytes,
} from "../tar/index.js";
import type { DirectoryAttributes, InodeEntry } from "./tree/tree-node.js";

/**
 * Where a tar goes, as a stream: `write` may be called without waiting, within reason, and the
 * bytes may be overwritten once it returns.
 */
export interface TarOutput {
  write(bytes: Buffer): void;
}

const zeroBlock = Buffer.alloc(blockSize);
const noBytes = Buffer.alloc(0);
const longLinkName = toBytes("././@LongLink");

const typeFlags: Readonly<Record<InodeEntry["type"], string>> = {
  file: "0",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  fifo: "6",
};

/** Times are unsigned 32-bit in squashfs; squashfs-tools before 4.7.1 misread others. */
export function clampTime(seconds: number): number {
  return Math.min(Math.max(seconds, 0), 0xffffffff);
}

/**
 * Squashfs stores extended attributes of three name spaces only (Linux, fs/squashfs/xattr.c);
 * POSIX ACLs, which are in `system.`, are not among them.
 */
export function fitsSquashfs(xattrName: ByteString): boolean {
  return /^(?:user|trusted|security)\./.test(xattrName);
}

/**
 * Writes a tar in the narrow dialect that every squashfs-tools from 4.5 reads rightly: GNU
 * headers with `L` and `K` for names over 100 bytes, numbers in base-256 where octal is too
 * short, empty owner names, whole seconds, pax only for extended attributes. Expects paths that
 * are normalised, each once, and targets before their links.
 */
export class CanonicalTarWriter {
  readonly #output: TarOutput;
  /** Written over for each header. */
  readonly #block = Buffer.alloc(blockSize);
  #contentSize = 0;

  constructor(output: TarOutput) {
    this.#output = output;
  }

  directory(path: ByteString, attributes: DirectoryAttributes): void {
    this.#header({ ...attributes, path: `${path}/`, typeFlag: "5" });
  }

  /** A file, symlink, device or fifo; a file's contents follow through `content` and `endFile`. */
  inode(path: ByteString, entry: InodeEntry): void {
    this.#header({
      ...entry,
      path,
      typeFlag: typeFlags[entry.type],
      linkName: entry.type === "symlink" ? entry.linkName : "",
    });
    this.#contentSize = entry.size;
  }

  hardLink(path: ByteString, target: ByteString, entry: InodeEntry): void {
    const { mode, uid, gid, mtime } = entry;
    this.#header({ mode, uid, gid, mtime, path, typeFlag: "1", linkName: target });
  }

  content(bytes: Buffer): void {
    this.#output.write(bytes);
  }

  endFile(): void {
    this.#pad(this.#contentSize);
  }

  /** The end of the archive: two blocks of zeros. */
  end(): void {
    for (let block = 0; block < 2; block += 1) this.#output.write(zeroBlock);
  }

  #header(fields: HeaderFields): void {
    const records: PaxRecords = [];
    for (const [name, value] of fields.xattrs ?? []) {
      if (fitsSquashfs(name)) records.push([`SCHILY.xattr.${name}`, value]);
    }
    if (records.length > 0) this.#extension("x", formatPaxRecords(records));
    const path = toBytes(fields.path);
    const linkName = toBytes(fields.linkName ?? "");
    if (path.length > 100) this.#extension("L", Buffer.concat([path, Buffer.alloc(1)]));
    if (linkName.length > 100) this.#extension("K", Buffer.concat([linkName, Buffer.alloc(1)]));
    this.#output.write(formatHeader(this.#block, fields, path, linkName));
  }

  #extension(typeFlag: string, bytes: Buffer): void {
    const fields = { path: "", typeFlag, mode: 0, uid: 0, gid: 0, mtime: 0, size: bytes.length };
    this.#output.write(formatHeader(this.#block, fields, longLinkName, noBytes));
    this.#output.write(bytes);
    this.#pad(bytes.length);
  }

  /** Fills the last block of so many bytes. */
  #pad(size: number): void {
    const over = size % blockSize;
    if (over > 0) this.#output.write(zeroBlock.subarray(over));
  }
}

interface HeaderFields extends DirectoryAttributes {
  readonly path: ByteString;
  readonly typeFlag: string;
  readonly linkName?: ByteString;
  readonly size?: number;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
}

function formatHeader(block: Buffer, fields: HeaderFields, path: Buffer, linkName: Buffer): Buffer {
  block.fill(0);
  path.copy(block, 0, 0, 100);
  putNumber(block, 100, 8, fields.mode);
  putNumber(block, 108, 8, fields.uid);
  putNumber(block, 116, 8, fields.gid);
  putNumber(block, 124, 12, fields.size ?? 0);
  putNumber(block, 136, 12, clampTime(fields.mtime));
  block.fill(0x20, 148, 156);
  block.write(fields.typeFlag, 156, "latin1");
  linkName.copy(block, 157, 0, 100);
  block.write("ustar  \0", 257, "latin1");
  putNumber(block, 329, 8, fields.deviceMajor ?? 0);
  putNumber(block, 337, 8, fields.deviceMinor ?? 0);
  let sum = 0;
  for (let index = 0; index < blockSize; index += 1) sum += block[index]!;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal digits and a NUL, or base-256 where they do not suffice. */
function putNumber(block: Buffer, start: number, length: number, value: number): void {
  const octal = value.toString(8).padStart(length - 1, "0");
  if (octal.length < length) {
    block.write(octal, start, "latin1");
    return;
  }
  block[start] = 0x80;
  let rest = value;
  for (let index = length - 1; index > 0; index -= 1) {
    block[start + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
