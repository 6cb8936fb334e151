import { fromBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";
import type { PaxRecords } from "./pax.js";
import { parseNumber } from "./tar-header.js";

/** A range of a sparse file that the archive stores, in bytes; the holes between are zeros. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** Each region costs memory before the first byte of the file is read. */
const maxRegions = 100_000;
/** Digits of a number and the line end, in an inline map. */
const maxLineLength = 17;

/**
 * Adds the regions of an old GNU header (4 from offset 386) or of an extension block (21 from 0).
 * @throws FormatError if there are too many
 */
export function addGnuRegions(
  regions: Region[],
  block: Buffer,
  start: number,
  count: number,
): void {
  if (regions.length > maxRegions) throw tooManyRegions();
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    const offset = parseNumber(block, at, 12, "sparse map");
    regions.push({ offset, length: parseNumber(block, at + 12, 12, "sparse map") });
  }
}

function tooManyRegions(): FormatError {
  return new FormatError("its sparse map has too many regions");
}

/** The map of pax sparse formats 0.0 and 0.1; undefined if the records contain none. */
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
 * The map at the start of the contents in pax sparse format 1.0: decimal numbers, one per line,
 * beginning with the number of regions, and NULs that fill the last block.
 */
export class InlineMap {
  #blocks: Buffer[] = [];
  #lines: number | undefined;
  #linesMissing: number | undefined;

  /** Bytes of contents that belong to the map so far. */
  get length(): number {
    return this.#blocks.length * 512;
  }

  /**
   * @returns the regions once the map is complete; undefined before that
   * @throws FormatError
   */
  push(block: Buffer): Region[] | undefined {
    this.#lines ??= 1 + 2 * firstNumber(block);
    if (this.length > this.#lines * maxLineLength) throw tooManyRegions();
    this.#blocks.push(Buffer.from(block));
    this.#linesMissing ??= this.#lines;
    for (const byte of block) if (byte === 0x0a) this.#linesMissing -= 1;
    if (this.#linesMissing > 0) return undefined;
    const lines = fromBytes(Buffer.concat(this.#blocks)).split("\n");
    return pairs(lines.slice(1, 1 + 2 * decimal(lines[0])));
  }
}

function firstNumber(block: Buffer): number {
  const count = decimal(fromBytes(block).split("\n", 1)[0]);
  if (count > maxRegions) throw tooManyRegions();
  return count;
}

function pairs(numbers: string[]): Region[] {
  if (numbers.length % 2 !== 0) throw new FormatError("its sparse map is damaged");
  const regions: Region[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    const offset = decimal(numbers[index]);
    regions.push({ offset, length: decimal(numbers[index + 1]) });
  }
  return regions;
}

function decimal(text = ""): number {
  if (!/^[0-9]{1,16}$/.test(text)) throw new FormatError("its sparse map is damaged");
  return Number(text);
}

/**
 * Checks that the regions are in order, do not overlap, are inside the file, and together have as
 * many bytes as the archive stores.
 * @returns the regions that are not empty
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
