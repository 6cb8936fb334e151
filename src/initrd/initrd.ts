import { stat } from "node:fs/promises";
import {
  type CompressionFormat,
  DecompressionError,
  decompressStream,
  detectCompression,
  gunzipMember,
  magicNumberBytes,
} from "../compression/index.js";
import { readChunks } from "../support/index.js";
import { CpioReader } from "./cpio.js";
import { InitrdFormatError } from "./initrd-format-error.js";

/** A summary of an initrd. */
export interface InitrdContents {
  /** Number of files and directories in all of its archives. */
  readonly entries: number;
  /** In order, for example `["cpio", "zstd"]`: microcode in front of the rest is a plain cpio. */
  readonly parts: readonly (CompressionFormat | "cpio")[];
  /** Versions for which it has a directory `/lib/modules/VERSION`. */
  readonly moduleVersions: ReadonlySet<string>;
}

/** Far more than any machine could hold in memory. */
const maxUnpackedBytes = 32 * 1024 ** 3;
const maxParts = 64;
const maxVersions = 100;

/**
 * Lists an initrd to its end, as the kernel would unpack it: plain cpio archives and compressed
 * parts one after the other, with zeros between them (Linux, init/initramfs.c).
 * @throws InitrdFormatError; NetbootError PROGRAM_MISSING, DECOMPRESSOR_FAILED
 */
export async function listInitrd(path: string, signal: AbortSignal): Promise<InitrdContents> {
  const { size } = await stat(path);
  const versions = new Set<string>();
  const addModuleVersion = (name: string) => {
    const version = /^(?:\.?\/)?(?:usr\/)?lib\/modules\/([^/]+)/.exec(name)?.[1];
    if (version !== undefined && versions.size < maxVersions) versions.add(version);
  };
  const parts: (CompressionFormat | "cpio")[] = [];
  let entries = 0;
  for (let offset = 0; offset < size; ) {
    if (parts.length >= maxParts) throw new InitrdFormatError("has too many parts");
    const plain = await readPlain(path, offset, addModuleVersion);
    entries += plain.entries;
    if (plain.archives > 0) parts.push("cpio");
    offset = plain.end;
    if (offset >= size) break;
    const compressed = await readCompressed({ path, offset, size, signal }, addModuleVersion);
    entries += compressed.entries;
    parts.push(compressed.compression);
    offset = compressed.end;
  }
  if (entries === 0) throw new InitrdFormatError("contains no files");
  return { entries, parts, moduleVersions: versions };
}

/** Reads plain cpio archives and the zeros around them, up to the first byte of something else. */
async function readPlain(
  path: string,
  start: number,
  onName: (name: string) => void,
): Promise<{ entries: number; archives: number; end: number }> {
  const reader = new CpioReader(onName, start);
  let end = start;
  for await (const chunk of readChunks(path, Infinity, start)) {
    const taken = reader.push(chunk);
    end += taken;
    if (taken < chunk.length) break;
  }
  if (!reader.isBetween || reader.archives > 0) reader.finish();
  return { entries: reader.entries, archives: reader.archives, end };
}

interface CompressedPart {
  readonly path: string;
  /** Offset of the part in the file. */
  readonly offset: number;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly signal: AbortSignal;
}

async function readCompressed(
  part: CompressedPart,
  onName: (name: string) => void,
): Promise<{ entries: number; compression: CompressionFormat; end: number }> {
  const { path, offset, signal } = part;
  const compression = await compressionAt(path, offset);
  if (compression === undefined) {
    throw new InitrdFormatError(
      `has something at byte ${offset} that is neither cpio nor compressed`,
    );
  }
  const reader = new CpioReader(onName);
  let unpacked = 0;
  const chunks = decompressPart(compression, part);
  let next = await chunks.next();
  while (!next.done) {
    signal.throwIfAborted();
    unpacked += next.value.length;
    if (unpacked > maxUnpackedBytes) throw new InitrdFormatError("unpacks to more than 32 GiB");
    if (reader.push(next.value) < next.value.length) {
      throw new InitrdFormatError("contains compressed data that are not a cpio archive");
    }
    next = await chunks.next();
  }
  reader.finish();
  if (reader.archives === 0) throw new InitrdFormatError("has an empty part");
  return { entries: reader.entries, compression, end: next.value };
}

async function compressionAt(path: string, offset: number): Promise<CompressionFormat | undefined> {
  for await (const head of readChunks(path, magicNumberBytes, offset)) {
    return detectCompression(head);
  }
  return undefined;
}

/**
 * Decompresses a part. What follows a gzip member is a part of its own. The ends of the other
 * compressions are known only to their programs, so everything up to the end of the file is one part.
 * @returns offset of the first byte after the part
 */
async function* decompressPart(
  compression: CompressionFormat,
  { path, offset, size, signal }: CompressedPart,
): AsyncGenerator<Buffer, number> {
  try {
    if (compression === "gzip") return yield* gunzipMember(path, offset);
    const stream = { read: () => readChunks(path, Infinity, offset) };
    yield* decompressStream(compression, stream, signal);
    return size;
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error;
    throw new InitrdFormatError(`cannot be unpacked: ${error.reason}`);
  }
}
