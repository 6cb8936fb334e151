import { usageError } from "../support/index.js";
import { type CompressorName, compressorNames, findCompressor } from "./compressors.js";

export interface SquashfsCompression {
  readonly compressor: CompressorName;
  /** Absent if the compressor has no levels. */
  readonly level?: number;
}

/**
 * Parses `COMPRESSOR[:LEVEL]`.
 * @throws NetbootError USAGE_INVALID
 */
export function parseCompression(text: string): SquashfsCompression {
  const [name = "", level, ...rest] = text.split(":");
  const compressor = findCompressor(name);
  if (compressor === undefined || rest.length > 0) {
    throw usageError(
      `${JSON.stringify(text)} is not a compression that squashfs supports.`,
      `Use one of ${compressorNames.join(", ")}.`,
    );
  }
  const { levels } = compressor;
  if (levels === undefined) {
    if (level === undefined) return { compressor: compressor.name };
    throw usageError(`${name} has no levels in squashfs.`, `Write --compression ${name}.`);
  }
  if (level === undefined) return { compressor: compressor.name, level: levels.default };
  const number = /^[0-9]{1,2}$/.test(level) ? Number(level) : 0;
  if (number >= 1 && number <= levels.max) return { compressor: compressor.name, level: number };
  throw usageError(
    `${JSON.stringify(level)} is not a level of ${name}.`,
    `Use a level from 1 to ${levels.max}, for example ${name}:${levels.default}.`,
  );
}

/** The inverse of `parseCompression`. */
export function formatCompression({ compressor, level }: SquashfsCompression): string {
  return level === undefined ? compressor : `${compressor}:${level}`;
}

const kibibyte = 1024;
const minBlockBytes = 4 * kibibyte;
const maxBlockBytes = kibibyte * kibibyte;
const units: Readonly<Record<string, number>> = { "": 1, K: kibibyte, M: kibibyte * kibibyte };

/**
 * Parses a block size as mksquashfs does: bytes, or a number with K or M; a power of two from 4K
 * to 1M.
 * @returns bytes
 * @throws NetbootError USAGE_INVALID
 */
export function parseBlockSize(text: string): number {
  const [, digits = "0", unit = ""] = /^([0-9]{1,7})([KM]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * (units[unit.toUpperCase()] ?? 1);
  const isPowerOfTwo = bytes > 0 && Number.isInteger(Math.log2(bytes));
  if (isPowerOfTwo && bytes >= minBlockBytes && bytes <= maxBlockBytes) return bytes;
  throw usageError(
    `${JSON.stringify(text)} is not a block size that squashfs supports.`,
    "Use a power of two from 4K to 1M, for example 128K.",
  );
}
