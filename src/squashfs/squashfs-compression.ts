import { usageError } from "../support/index.js";

export const codecs = ["zstd", "gzip", "xz", "lz4", "lzo"] as const;
export type Codec = (typeof codecs)[number];

export interface Compression {
  readonly codec: Codec;
  /** Absent where the codec has none or its own default is wanted. */
  readonly level?: number;
}

const levels: Readonly<Record<Codec, { highest: number; default: number } | undefined>> = {
  zstd: { highest: 22, default: 3 },
  gzip: { highest: 9, default: 9 },
  lzo: { highest: 9, default: 8 },
  xz: undefined,
  lz4: undefined,
};

/**
 * Reads `CODEC[:LEVEL]`.
 * @throws NetbootError USAGE_INVALID
 */
export function parseCompression(text: string): Compression {
  const [name, level, ...rest] = text.split(":") as [string, ...string[]];
  const codec = codecs.find((known) => known === name);
  if (codec === undefined || rest.length > 0) {
    throw usageError(
      `${JSON.stringify(text)} is no compression that squashfs has.`,
      `Use one of ${codecs.join(", ")}.`,
    );
  }
  const range = levels[codec];
  if (range === undefined) {
    if (level === undefined) return { codec };
    throw usageError(`${codec} has no levels in squashfs.`, `Write --compression ${codec}.`);
  }
  if (level === undefined) return { codec, level: range.default };
  const number = /^[0-9]{1,2}$/.test(level) ? Number(level) : 0;
  if (number >= 1 && number <= range.highest) return { codec, level: number };
  throw usageError(
    `${JSON.stringify(level)} is not a level of ${codec}.`,
    `Its levels go from 1 to ${range.highest}, for example ${codec}:${range.default}.`,
  );
}

export function formatCompression({ codec, level }: Compression): string {
  return level === undefined ? codec : `${codec}:${level}`;
}

/**
 * Reads a block size as mksquashfs does: bytes, or with K or M; a power of two from 4K to 1M.
 * @returns bytes
 * @throws NetbootError USAGE_INVALID
 */
export function parseBlockSize(text: string): number {
  const match = /^([0-9]{1,7})([KM]?)$/i.exec(text);
  const unit = { "": 1, K: 1024, M: 1024 * 1024 }[match?.[2]?.toUpperCase() ?? ""] ?? 1;
  const bytes = Number(match?.[1] ?? 0) * unit;
  const isPowerOfTwo = bytes > 0 && Number.isInteger(Math.log2(bytes));
  if (isPowerOfTwo && bytes >= 4096 && bytes <= 1024 * 1024) return bytes;
  throw usageError(
    `${JSON.stringify(text)} is not a block size that squashfs has.`,
    "Use a power of two from 4K to 1M, for example 128K.",
  );
}
