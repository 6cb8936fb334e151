import { fromBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";
import type { PaxRecords } from "./pax.js";
import { number } from "./tar-header.js";

/** A stretch of a sparse file that the archive holds; what lies between is zeros. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** More are taken for a forgery; each costs memory before the first byte of the file is read. */
const mostRegions = 100_000;
/** Digits of a number and its end, in an inline map. */
const longestLine = 17;

/**
 * Adds the regions in an old GNU header (`count` 4, at 386) or its extension block (21, at 0).
 * @throws FormatError where they are too many
 */
export function addGnuRegions(
  regions: Region[],
  block: Buffer,
  start: number,
  count: number,
): void {
  if (regions.length > mostRegions) throw tooManyRegions();
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    const offset = number(block, at, 12, "sparse map");
    regions.push({ offset, length: number(block, at + 12, 12, "sparse map") });
  }
}

function tooManyRegions(): FormatError {
  return new FormatError("its sparse map is out of all bounds");
}

/** The map of pax sparse formats 0.0 and 0.1; undefined where the records hold none. */
export function paxRegions(records: PaxRecords): Region[] | undefined {
  const numbers: string[] = [];
  let present = false;
  for (const [keyword, value] of records) {
    if (keyword === "GNU.sparse.map") {
      present = true;
      for (const text of fromBytes(value).split(",")) if (text !== "") numbers.push(text);
    } else if (keyword === "GNU.sparse.offset" || keyword === "GNU.sparse.numbytes") {
      present = true;
      numbers.push(fromBytes(value));
    } else if (keyword === "GNU.sparse.numblocks") {
      present = true;
    }
  }
  return present ? pairs(numbers) : undefined;
}

/**
 * The map at the head of the contents in pax sparse format 1.0: decimal numbers, one a line, the
 * count of regions first, filled up with NULs to a whole block.
 */
export class InlineMap {
  #blocks: Buffer[] = [];
  #lines: number | undefined;
  #linesMissing: number | undefined;

  /** Bytes of contents that the map took so far. */
  get length(): number {
    return this.#blocks.length * 512;
  }

  /**
   * @returns the regions once the map is whole, undefined before.
   * @throws FormatError
   */
  push(block: Buffer): Region[] | undefined {
    this.#lines ??= 1 + 2 * firstNumber(block);
    if (this.length > this.#lines * longestLine) throw tooManyRegions();
    this.#blocks.push(Buffer.from(block));
    this.#linesMissing ??= this.#lines;
    for (const byte of block) if (byte === 0x0a) this.#linesMissing -= 1;
    if (this.#linesMissing > 0) return undefined;
    const lines = fromBytes(Buffer.concat(this.#blocks)).split("\n");
    return pairs(lines.slice(1, 1 + 2 * decimal(lines[0]!)));
  }
}

function firstNumber(block: Buffer): number {
  const count = decimal(fromBytes(block).split("\n", 1)[0]!);
  if (count > mostRegions) throw tooManyRegions();
  return count;
}

function pairs(numbers: string[]): Region[] {
  if (numbers.length % 2 !== 0) throw new FormatError("its sparse map is damaged");
  const regions: Region[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    const offset = decimal(numbers[index]!);
    regions.push({ offset, length: decimal(numbers[index + 1]!) });
  }
  return regions;
}

function decimal(text: string): number {
  if (!/^[0-9]{1,16}$/.test(text)) throw new FormatError("its sparse map is damaged");
  return Number(text);
}

/**
 * Regions without the empty ones, checked: in order, not overlapping, inside the file, and as
 * long together as the bytes that the archive holds.
 * @throws FormatError
 */
export function checkedRegions(regions: Region[], realSize: number, stored: number): Region[] {
  let end = 0;
  let total = 0;
  for (const { offset, length } of regions) {
    if (offset < end || !Number.isSafeInteger(offset + length) || offset + length > realSize) {
      throw new FormatError("its sparse map does not fit the file");
    }
    end = offset + length;
    total += length;
  }
  if (total !== stored) throw new FormatError("its sparse map does not fit its contents");
  return regions.filter(({ length }) => length > 0);
}
