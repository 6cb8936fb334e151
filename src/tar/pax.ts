import { type ByteString, fromBytes, toBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";

/** Extended header records in the order of the header. */
export type PaxRecords = [keyword: ByteString, value: Buffer][];

/**
 * Reads extended header records, `LENGTH KEYWORD=VALUE\n` (POSIX.1-2001 pax, "pax Extended
 * Header"). The length determines where a record ends: values may contain any byte.
 * @throws FormatError if a length is invalid
 */
export function parsePaxRecords(bytes: Buffer): PaxRecords {
  const records: PaxRecords = [];
  let start = 0;
  while (start < bytes.length) {
    // Some writers fill the rest of the block with NULs and include them in the stated size.
    if (bytes[start] === 0) break;
    const space = bytes.indexOf(0x20, start);
    const digits = space === -1 ? "" : fromBytes(bytes, start, space);
    if (!/^[0-9]{1,9}$/.test(digits))
      throw new FormatError("its pax header lacks the length of a record");
    const end = start + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    if (end > bytes.length || equals === -1 || equals >= end || bytes[end - 1] !== 0x0a) {
      throw new FormatError("its pax header is damaged");
    }
    const value = Buffer.from(bytes.subarray(equals + 1, end - 1));
    records.push([fromBytes(bytes, space + 1, equals), value]);
    start = end;
  }
  return records;
}

/** The inverse of `parsePaxRecords`. */
export function formatPaxRecords(records: PaxRecords): Buffer {
  return Buffer.concat(records.map(([keyword, value]) => formatRecord(keyword, value)));
}

function formatRecord(keyword: ByteString, value: Buffer): Buffer {
  const rest = Buffer.concat([toBytes(` ${keyword}=`), value, toBytes("\n")]);
  // The length counts its own digits.
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([toBytes(String(length)), rest]);
}

/**
 * Parses a pax time, `[-]SECONDS[.FRACTION]`.
 * @returns whole seconds, rounded down
 * @throws FormatError
 */
export function parsePaxTime(value: Buffer): number {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(fromBytes(value));
  if (match === null) throw new FormatError("its pax mtime is not a valid time");
  const seconds = Number(match[2]);
  const hasFraction = /[1-9]/.test(match[3] ?? "");
  return match[1] === "" ? seconds : -seconds - (hasFraction ? 1 : 0);
}

/**
 * Parses a pax number: decimal digits.
 * @throws FormatError
 */
export function parsePaxNumber(value: Buffer, field: string): number {
  const text = fromBytes(value);
  if (!/^-?[0-9]{1,16}$/.test(text)) throw new FormatError(`its pax ${field} is not a number`);
  return Number(text);
}
