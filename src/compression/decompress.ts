import { findProgram, NetbootError } from "../support/index.js";
import type { ByteSource, ByteStream } from "./byte-source.js";
import { checkGzipEnd, gunzip, gunzipStream } from "./gunzip.js";
import {
  type CompressionFormat,
  detectLayerCompression,
  magicNumberBytes,
} from "./magic-numbers.js";
import { runDecompressor } from "./run-decompressor.js";
import { unzstd } from "./unzstd.js";

interface Decompressor {
  readonly program: string;
  readonly debianPackage: string;
  /** They make the program decompress standard input to standard output. */
  readonly args: readonly string[];
}

const decompressors: Readonly<Record<CompressionFormat, Decompressor>> = {
  gzip: { program: "igzip", debianPackage: "isal", args: ["-d", "-c"] },
  zstd: { program: "zstd", debianPackage: "zstd", args: ["-d", "-c", "-q", "--no-progress"] },
  xz: { program: "xz", debianPackage: "xz-utils", args: ["-d", "-c", "-q"] },
  lz4: { program: "lz4", debianPackage: "lz4", args: ["-d", "-c", "-q"] },
  bzip2: { program: "bzip2", debianPackage: "bzip2", args: ["-d", "-c", "-q"] },
  lzma: { program: "xz", debianPackage: "xz-utils", args: ["--format=lzma", "-d", "-c", "-q"] },
  lzo: { program: "lzop", debianPackage: "lzop", args: ["-d", "-c", "-q"] },
};

/**
 * Decompresses a layer: gzip with any number of members, zstd with several and skippable frames, xz,
 * bzip2, or plain bytes. Each chunk is valid until the next one is requested. The programs igzip and
 * zstd are faster than what Node has, so they do the work if they are installed; Node has nothing for
 * xz and bzip2.
 * @throws DecompressionError, and what the source throws; NetbootError PROGRAM_MISSING,
 *   DECOMPRESSOR_FAILED
 */
export async function* decompress(source: ByteSource, signal: AbortSignal): AsyncGenerator<Buffer> {
  const compression = detectLayerCompression(await firstBytes(source, magicNumberBytes));
  if (compression === "none") {
    yield* source.read();
    return;
  }
  const program = await programOutput(compression, source, signal);
  switch (compression) {
    case "gzip":
      if (program === undefined) yield* gunzip(source);
      else yield* checkGzipEnd(source, program, signal);
      break;
    case "zstd":
      yield* program ?? unzstd(source, signal);
      break;
    default:
      if (program === undefined) throw programMissing("A layer of the image is", compression);
      yield* program;
  }
}

/**
 * Decompresses bytes that have no file of their own, such as an archive that comes through a pipe.
 * Bytes after the end of the compressed data may go unnoticed.
 * @throws DecompressionError, and what the stream throws; NetbootError PROGRAM_MISSING,
 *   DECOMPRESSOR_FAILED
 */
export async function* decompressStream(
  compression: CompressionFormat | "none",
  stream: ByteStream,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (compression === "none") {
    yield* stream.read();
    return;
  }
  const output = await programOutput(compression, stream, signal);
  if (output !== undefined) yield* output;
  else if (compression === "gzip") yield* gunzipStream(stream);
  else throw programMissing("The data are", compression);
}

async function programOutput(
  compression: CompressionFormat,
  stream: ByteStream | ByteSource,
  signal: AbortSignal,
): Promise<AsyncGenerator<Buffer> | undefined> {
  const { program, args } = decompressors[compression];
  const path = await findProgram(program);
  return path === undefined ? undefined : runDecompressor(path, args, stream, signal);
}

function programMissing(subject: string, compression: CompressionFormat): NetbootError {
  const { program, debianPackage } = decompressors[compression];
  return new NetbootError(
    "PROGRAM_MISSING",
    `${subject} compressed with ${compression}, and the program ${program} is missing.`,
    `Install it: apt-get install ${debianPackage}`,
  );
}

async function firstBytes(source: ByteStream, count: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of source.read()) {
    head = Buffer.concat([head, chunk.subarray(0, count)]);
    if (head.length >= count) break;
  }
  return head.subarray(0, count);
}
