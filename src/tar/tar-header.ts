import { blockSize } from "./block.js";
import { type ByteString, fromBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";

/** The fields of one 512-byte header block, before any extension is applied. */
export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeFlag: string;
  readonly linkName: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/**
 * Reads a header block (POSIX.1-1988 ustar, GNU and v7).
 * @throws FormatError if the checksum is wrong or a number is invalid
 */
export function parseHeader(block: Buffer): TarHeader {
  verifyChecksum(block);
  const magic = fromBytes(block, 257, 265);
  const isUstar = magic.startsWith("ustar\0");
  const isGnu = magic === "ustar  \0";
  const name = text(block, 0, 100);
  const isStar = fromBytes(block, 508, 512) === "tar\0";
  const prefix = isUstar ? text(block, 345, isStar ? 476 : 500) : "";
  const hasDevice = isUstar || isGnu;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: parseNumber(block, 100, 8, "mode") & 0o7777,
    uid: parseNumber(block, 108, 8, "uid"),
    gid: parseNumber(block, 116, 8, "gid"),
    size: parseNumber(block, 124, 12, "size"),
    mtime: parseNumber(block, 136, 12, "mtime"),
    typeFlag: fromBytes(block, 156, 157),
    linkName: text(block, 157, 257),
    deviceMajor: hasDevice ? parseNumber(block, 329, 8, "device") : 0,
    deviceMinor: hasDevice ? parseNumber(block, 337, 8, "device") : 0,
  };
}

/** The bytes up to the first NUL or the end of the field. */
function text(block: Buffer, start: number, end: number): ByteString {
  const nul = block.indexOf(0, start);
  return fromBytes(block, start, nul === -1 || nul > end ? end : nul);
}

/**
 * Reads a number field: octal digits between spaces and NULs, or, if the top bit of the first byte
 * is set, a big-endian two's complement number (GNU base-256).
 * @throws FormatError
 */
export function parseNumber(block: Buffer, start: number, length: number, field: string): number {
  if (((block[start] as number) & 0x80) !== 0) return parseBase256(block, start, length, field);
  let value = 0;
  let position = start;
  const end = start + length;
  while (position < end && (block[position] === 0x20 || block[position] === 0)) position += 1;
  for (; position < end; position += 1) {
    const byte = block[position] as number;
    if (byte === 0x20 || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw new FormatError(`its ${field} is not a number`);
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function parseBase256(block: Buffer, start: number, length: number, field: string): number {
  const first = block.readUInt8(start);
  const isNegative = (first & 0x40) !== 0;
  let value = BigInt(first & 0x3f);
  for (let index = 1; index < length; index += 1) {
    value = (value << 8n) | BigInt(block.readUInt8(start + index));
  }
  if (isNegative) value -= 1n << BigInt(length * 8 - 2);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw new FormatError(`its ${field} is too large`);
  return result;
}

/** Adds up all bytes, with spaces for the checksum field itself; old tars added signed bytes. */
function verifyChecksum(block: Buffer): void {
  const expected = parseNumber(block, 148, 8, "checksum");
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < blockSize; index += 1) {
    if (index === 148) index = 156;
    const byte = block[index] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  if (expected !== unsigned && expected !== unsigned - high * 256) {
    throw new FormatError("its header checksum is wrong");
  }
}
