import {
  type ByteString,
  blockSize,
  formatPaxRecords,
  type PaxRecords,
  type TarEntry,
  toBytes,
} from "../../tar/index.js";
import type { DirectoryAttributes, InodeEntry } from "../tree/tree-node.js";
import type { InodeLimits } from "./inode-limits.js";

/** The destination of a tar. */
export interface TarOutput {
  /**
   * Takes the bytes, also while `ready` returns a promise, as long as the caller then waits soon.
   * The caller may overwrite the bytes once this returns.
   */
  write(bytes: Buffer): void;
  /** A promise to wait for before writing more; undefined while there is room. */
  ready(): Promise<void> | undefined;
}

const zeroBlock = Buffer.alloc(blockSize);
/** The name that GNU tar gives to `L` and `K` headers. */
const extensionName = "././@LongLink";

const typeFlags: Readonly<Record<InodeEntry["type"], string>> = {
  file: "0",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  fifo: "6",
};

/**
 * Writes a tar in the narrow dialect that every squashfs-tools version from 4.5 on reads
 * correctly: GNU headers with `L` and `K` for names over 100 bytes, base-256 for numbers that are
 * too large for octal, empty owner names, whole seconds, and pax records only for extended
 * attributes. The caller passes normalized paths, each path once, and targets before their links.
 */
export class CanonicalTarWriter {
  readonly #output: TarOutput;
  readonly #limits: InodeLimits;
  /** Reused for each header. */
  readonly #block = Buffer.alloc(blockSize);
  #contentSize = 0;

  constructor(output: TarOutput, limits: InodeLimits) {
    this.#output = output;
    this.#limits = limits;
  }

  directory(path: ByteString, attributes: DirectoryAttributes): void {
    this.#header(`${path}/`, "5", attributes, "", noSizeOrDevice);
  }

  /**
   * Writes the header of a file, symlink, device or fifo. After that of a file, the caller passes
   * the contents to `content` and calls `endFile`.
   */
  inode(path: ByteString, entry: InodeEntry): void {
    const target = entry.type === "symlink" ? entry.linkName : "";
    this.#header(path, typeFlags[entry.type], entry, target, entry);
    this.#contentSize = entry.size;
  }

  hardLink(path: ByteString, target: ByteString, entry: InodeEntry): void {
    const { mode, uid, gid, mtime } = entry;
    this.#header(path, "1", { mode, uid, gid, mtime }, target, noSizeOrDevice);
  }

  content(bytes: Buffer): void {
    this.#output.write(bytes);
  }

  endFile(): void {
    this.#pad(this.#contentSize);
  }

  /** Ends the archive with two blocks of zeros. */
  end(): void {
    for (let block = 0; block < 2; block += 1) this.#output.write(zeroBlock);
  }

  #header(
    path: ByteString,
    typeFlag: string,
    attributes: DirectoryAttributes,
    linkName: ByteString,
    sizeAndDevice: SizeAndDevice,
  ): void {
    const { xattrs } = attributes;
    if (xattrs !== undefined) this.#xattrs(xattrs);
    if (path.length > 100) this.#extension("L", toBytes(`${path}\0`));
    if (linkName.length > 100) this.#extension("K", toBytes(`${linkName}\0`));
    const mtime = this.#limits.clampTime(attributes.mtime);
    formatHeader(this.#block, path, typeFlag, attributes, mtime, linkName, sizeAndDevice);
    this.#output.write(this.#block);
  }

  #xattrs(xattrs: ReadonlyMap<ByteString, Buffer>): void {
    const records: PaxRecords = [];
    for (const [name, value] of xattrs) {
      if (this.#limits.supportsXattr(name)) records.push([`SCHILY.xattr.${name}`, value]);
    }
    if (records.length > 0) this.#extension("x", formatPaxRecords(records));
  }

  #extension(typeFlag: string, bytes: Buffer): void {
    const size = { ...noSizeOrDevice, size: bytes.length };
    formatHeader(this.#block, extensionName, typeFlag, extensionAttributes, 0, "", size);
    this.#output.write(this.#block);
    this.#output.write(bytes);
    this.#pad(bytes.length);
  }

  /** Pads contents of this size to whole blocks. */
  #pad(size: number): void {
    const over = size % blockSize;
    if (over > 0) this.#output.write(zeroBlock.subarray(over));
  }
}

type SizeAndDevice = Pick<TarEntry, "size" | "deviceMajor" | "deviceMinor">;

const noSizeOrDevice: SizeAndDevice = { size: 0, deviceMajor: 0, deviceMinor: 0 };
const extensionAttributes: DirectoryAttributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };

/** Offset behind the device numbers, the last fields that are written. */
const headerEnd = 345;

/** Fills a header block; text that is too long for its field is cut off. */
function formatHeader(
  block: Buffer,
  path: ByteString,
  typeFlag: string,
  { mode, uid, gid }: Omit<DirectoryAttributes, "mtime">,
  mtime: number,
  linkName: ByteString,
  { size, deviceMajor, deviceMinor }: SizeAndDevice,
): void {
  block.fill(0, 0, headerEnd);
  block.write(path, 0, 100, "latin1");
  putNumber(block, 100, 8, mode);
  putNumber(block, 108, 8, uid);
  putNumber(block, 116, 8, gid);
  putNumber(block, 124, 12, size);
  putNumber(block, 136, 12, mtime);
  block.fill(0x20, 148, 156);
  block[156] = typeFlag.charCodeAt(0);
  block.write(linkName, 157, 100, "latin1");
  block.write("ustar  \0", 257, "latin1");
  putNumber(block, 329, 8, deviceMajor);
  putNumber(block, 337, 8, deviceMinor);
  let sum = 0;
  for (let index = 0; index < headerEnd; index += 1) sum += block[index] as number;
  putOctal(block, 148, 6, sum);
  block[154] = 0;
}

/** Writes octal digits and a NUL, or base-256 if the number has too many digits. */
function putNumber(block: Buffer, start: number, length: number, value: number): void {
  if (putOctal(block, start, length - 1, value) === 0) return;
  block[start] = 0x80;
  let rest = value;
  for (let index = length - 1; index > 0; index -= 1) {
    block[start + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** @returns the part of the number that did not fit; 0 if all of it did */
function putOctal(block: Buffer, start: number, digits: number, value: number): number {
  let rest = value;
  for (let index = start + digits - 1; index >= start; index -= 1) {
    block[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  return rest;
}
