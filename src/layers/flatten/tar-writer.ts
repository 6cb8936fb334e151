import {
  type ByteString,
  blockSize,
  formatPaxRecords,
  type PaxRecords,
  type TarEntry,
  toBytes,
} from "../../tar/index.js";
import type { DirectoryAttributes, InodeEntry } from "../tree/tree-node.js";

/**
 * Where a tar goes, as a stream: `write` may be called without waiting, within reason, and the
 * bytes may be overwritten once it returns.
 */
export interface TarOutput {
  write(bytes: Buffer): void;
}

const zeroBlock = Buffer.alloc(blockSize);
const longLinkName = "././@LongLink";

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
    this.#header(`${path}/`, "5", attributes, "", none);
  }

  /** A file, symlink, device or fifo; a file's contents follow through `content` and `endFile`. */
  inode(path: ByteString, entry: InodeEntry): void {
    const target = entry.type === "symlink" ? entry.linkName : "";
    this.#header(path, typeFlags[entry.type], entry, target, entry);
    this.#contentSize = entry.size;
  }

  hardLink(path: ByteString, target: ByteString, entry: InodeEntry): void {
    const { mode, uid, gid, mtime } = entry;
    this.#header(path, "1", { mode, uid, gid, mtime }, target, none);
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

  #header(
    path: ByteString,
    typeFlag: string,
    attributes: DirectoryAttributes,
    linkName: ByteString,
    what: SizeAndDevice,
  ): void {
    const { xattrs } = attributes;
    if (xattrs !== undefined) this.#attributes(xattrs);
    if (path.length > 100) this.#extension("L", toBytes(`${path}\0`));
    if (linkName.length > 100) this.#extension("K", toBytes(`${linkName}\0`));
    this.#output.write(formatHeader(this.#block, path, typeFlag, attributes, linkName, what));
  }

  #attributes(xattrs: ReadonlyMap<ByteString, Buffer>): void {
    const records: PaxRecords = [];
    for (const [name, value] of xattrs) {
      if (fitsSquashfs(name)) records.push([`SCHILY.xattr.${name}`, value]);
    }
    if (records.length > 0) this.#extension("x", formatPaxRecords(records));
  }

  #extension(typeFlag: string, bytes: Buffer): void {
    const what = { ...none, size: bytes.length };
    this.#output.write(formatHeader(this.#block, longLinkName, typeFlag, nobody, "", what));
    this.#output.write(bytes);
    this.#pad(bytes.length);
  }

  /** Fills the last block of so many bytes. */
  #pad(size: number): void {
    const over = size % blockSize;
    if (over > 0) this.#output.write(zeroBlock.subarray(over));
  }
}

type SizeAndDevice = Pick<TarEntry, "size" | "deviceMajor" | "deviceMinor">;

const none: SizeAndDevice = { size: 0, deviceMajor: 0, deviceMinor: 0 };
const nobody: DirectoryAttributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };

/** Behind the device numbers, which are the last of the fields that are written. */
const headerEnd = 345;

/** What does not fit its field is cut off there. */
function formatHeader(
  block: Buffer,
  path: ByteString,
  typeFlag: string,
  { mode, uid, gid, mtime }: DirectoryAttributes,
  linkName: ByteString,
  { size, deviceMajor, deviceMinor }: SizeAndDevice,
): Buffer {
  block.fill(0, 0, headerEnd);
  block.write(path, 0, 100, "latin1");
  putNumber(block, 100, 8, mode);
  putNumber(block, 108, 8, uid);
  putNumber(block, 116, 8, gid);
  putNumber(block, 124, 12, size);
  putNumber(block, 136, 12, clampTime(mtime));
  block.fill(0x20, 148, 156);
  block[156] = typeFlag.charCodeAt(0);
  block.write(linkName, 157, 100, "latin1");
  block.write("ustar  \0", 257, "latin1");
  putNumber(block, 329, 8, deviceMajor);
  putNumber(block, 337, 8, deviceMinor);
  let sum = 0;
  for (let index = 0; index < headerEnd; index += 1) sum += block[index]!;
  putOctal(block, 148, 6, sum);
  block[154] = 0;
  return block;
}

/** Octal digits and a NUL, or base-256 where they do not suffice. */
function putNumber(block: Buffer, start: number, length: number, value: number): void {
  if (putOctal(block, start, length - 1, value) === 0) return;
  block[start] = 0x80;
  let rest = value;
  for (let index = length - 1; index > 0; index -= 1) {
    block[start + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** @returns what is left of a number that has more digits */
function putOctal(block: Buffer, start: number, digits: number, value: number): number {
  let rest = value;
  for (let index = start + digits - 1; index >= start; index -= 1) {
    block[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  return rest;
}
