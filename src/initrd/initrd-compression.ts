import { pipeThrough } from "../layers/index.js";
import { findProgram, NetbootError } from "../support/index.js";
import { FormatError } from "../tar/index.js";
import { InitrdFormatError } from "./cpio.js";
import { gunzipMember } from "./gzip-member.js";
import { readFrom } from "./read-from.js";

/** What the kernel can unpack an initrd with (Linux, lib/decompress.c). */
export type Codec = "gzip" | "zstd" | "xz" | "lz4" | "bzip2" | "lzma" | "lzo";

const magics: readonly (readonly [codec: Codec, bytes: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lzma", [0x5d, 0x00, 0x00]],
  ["lzo", [0x89, 0x4c, 0x5a, 0x4f]],
];

/** Programs, and Debian's packages of them, that unpack what they read to standard output. */
const programs: Readonly<Record<Exclude<Codec, "gzip">, readonly [string, string, ...string[]]>> = {
  zstd: ["zstd", "zstd", "-d", "-c", "-q", "--no-progress"],
  xz: ["xz", "xz-utils", "-d", "-c", "-q"],
  lz4: ["lz4", "lz4", "-d", "-c", "-q"],
  bzip2: ["bzip2", "bzip2", "-d", "-c", "-q"],
  lzma: ["xz", "xz-utils", "--format=lzma", "-d", "-c", "-q"],
  lzo: ["lzop", "lzop", "-d", "-c", "-q"],
};

/** A compressed part of a file. */
export interface Part {
  readonly path: string;
  readonly offset: number;
  /** Of the whole file. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/** The compression that begins at an offset; undefined for none of those known. */
export async function codecAt(path: string, offset: number): Promise<Codec | undefined> {
  for await (const chunk of readFrom(path, offset)) {
    return magics.find(([, bytes]) => bytes.every((byte, at) => chunk[at] === byte))?.[0];
  }
  return undefined;
}

/**
 * Unpacks a part; each chunk is good until the next is asked for. What follows a gzip member is a
 * part of its own; of other compressions, whose ends only their programs know, all to the end of
 * the file is one.
 * @returns the offset of the first byte behind it
 * @throws InitrdFormatError; NetbootError PROGRAM_MISSING, DECOMPRESSOR_FAILED
 */
export async function* decompress(codec: Codec, part: Part): AsyncGenerator<Buffer, number> {
  const { path, offset, size, signal } = part;
  if (codec === "gzip") return yield* gunzipMember(path, offset);
  const [name, debianPackage, ...args] = programs[codec];
  const program = await findProgram(name);
  if (program === undefined) {
    throw new NetbootError(
      "PROGRAM_MISSING",
      `The program ${name} is missing.`,
      `Install it: apt-get install ${debianPackage}`,
    );
  }
  const blob = {
    descriptor: { mediaType: "", digest: "", size },
    path,
    isComplete: false,
    complete: Promise.resolve(),
    read: () => readFrom(path, offset),
  };
  try {
    yield* pipeThrough(program, args, blob, signal);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new InitrdFormatError(`cannot be unpacked: ${error.message.replace(/^.*?: /, "")}`);
  }
  return size;
}
