import { blockSize } from "./block.js";
import { type ByteString, fromBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";

/** The fields of one 512-byte header block, before any extension is applied. */
export interface TarHeader {
  name: ByteString;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  typeFlag: string;
  linkName: ByteString;
  deviceMajor: number;
  deviceMinor: number;
}

/**
 * Reads a header block (POSIX.1-1988 ustar, GNU and v7).
 * @throws FormatError on a wrong checksum or an unreadable number.
 */
export function parseHeader(block: Buffer): TarHeader {
  checkSum(block);
  const magic = fromBytes(block, 257, 265);
  const isUstar = magic.startsWith("ustar\0");
  const isGnu = magic === "ustar  \0";
  const name = text(block, 0, 100);
  const isStar = fromBytes(block, 508, 512) === "tar\0";
  const prefix = isUstar ? text(block, 345, isStar ? 476 : 500) : "";
  const hasDevice = isUstar || isGnu;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(block, 100, 8, "mode") & 0o7777,
    uid: number(block, 108, 8, "uid"),
    gid: number(block, 116, 8, "gid"),
    size: number(block, 124, 12, "size"),
    mtime: number(block, 136, 12, "mtime"),
    typeFlag: fromBytes(block, 156, 157),
    linkName: text(block, 157, 257),
    deviceMajor: hasDevice ? number(block, 329, 8, "device") : 0,
    deviceMinor: hasDevice ? number(block, 337, 8, "device") : 0,
  };
}

/** Bytes up to the first NUL or the end of the field. */
function text(block: Buffer, start: number, end: number): ByteString {
  const nul = block.indexOf(0, start);
  return fromBytes(block, start, nul === -1 || nul > end ? end : nul);
}

/**
 * A number field: octal digits between spaces and NULs, or, with the top bit of the first byte
 * set, a big-endian two's complement number (GNU base-256).
 */
export function number(block: Buffer, start: number, length: number, field: string): number {
  if ((block[start]! & 0x80) !== 0) return base256(block, start, length, field);
  let value = 0;
  let position = start;
  const end = start + length;
  while (position < end && (block[position] === 0x20 || block[position] === 0)) position += 1;
  for (; position < end; position += 1) {
    const byte = block[position]!;
    if (byte === 0x20 || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw new FormatError(`its ${field} is not a number`);
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function base256(block: Buffer, start: number, length: number, field: string): number {
  const negative = (block[start]! & 0x40) !== 0;
  let value = BigInt(block[start]! & 0x3f);
  for (let index = 1; index < length; index += 1) {
    value = (value << 8n) | BigInt(block[start + index]!);
  }
  if (negative) value -= 1n << BigInt(length * 8 - 2);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw new FormatError(`its ${field} is out of all bounds`);
  return result;
}

/** The sum of all bytes, the checksum field taken as spaces; old tars summed signed bytes. */
function checkSum(block: Buffer): void {
  const expected = number(block, 148, 8, "checksum");
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let index = 0; index < blockSize; index += 1) {
    if (index === 148) index = 156;
    const byte = block[index]!;
    unsigned += byte;
    high += byte >> 7;
  }
  if (expected !== unsigned && expected !== unsigned - high * 256) {
    throw new FormatError("its header checksum is wrong");
  }
}
