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
import { CpioReader, type OnEntry } from "./cpio.js";
import { InitrdFeatures } from "./initrd-features.js";
import { InitrdFormatError } from "./initrd-format-error.js";
import { missingForNetboot } from "./netboot-needs.js";

/** A summary of an initrd. */
export interface InitrdContents {
  /** Number of files and directories in all of its archives. */
  readonly entries: number;
  /** In order, for example `["cpio", "zstd"]`: microcode in front of the rest is a plain cpio. */
  readonly parts: readonly (CompressionFormat | "cpio")[];
  /** Versions for which it has a directory `/lib/modules/VERSION`. */
  readonly moduleVersions: ReadonlySet<string>;
  readonly features: InitrdFeatures;
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
  const versions = new Set<string>();
  const features = new InitrdFeatures();
  const onEntry: OnEntry = (name) => {
    const version = /^(?:\.?\/)?(?:usr\/)?lib\/modules\/([^/]+)/.exec(name)?.[1];
    if (version !== undefined && versions.size < maxVersions) versions.add(version);
    return features.onEntry(name);
  };
  const { entries, parts } = await readInitrd(path, signal, { onEntry });
  return { entries, parts, moduleVersions: versions, features };
}

/**
 * Reads the features of an initrd, and no more of it than necessary: if it has everything that it
 * needs for netbooting, the rest does not matter.
 * @throws as `listInitrd`
 */
export async function readInitrdFeatures(
  path: string,
  signal: AbortSignal,
): Promise<InitrdFeatures> {
  const features = new InitrdFeatures();
  const isSatisfied = () =>
    features.maker !== undefined && missingForNetboot(features, []).length === 0;
  await readInitrd(path, signal, { onEntry: features.onEntry, isSatisfied });
  return features;
}

interface InitrdVisitor {
  readonly onEntry: OnEntry;
  /** If true, the rest of the initrd is not read. */
  readonly isSatisfied?: () => boolean;
}

async function readInitrd(
  path: string,
  signal: AbortSignal,
  { onEntry, isSatisfied = () => false }: InitrdVisitor,
): Promise<Pick<InitrdContents, "entries" | "parts">> {
  const { size } = await stat(path);
  const parts: (CompressionFormat | "cpio")[] = [];
  let entries = 0;
  for (let offset = 0; offset < size; ) {
    if (parts.length >= maxParts) throw new InitrdFormatError("has too many parts");
    const plain = await readPlain(path, offset, onEntry);
    entries += plain.entries;
    if (plain.archives > 0) parts.push("cpio");
    offset = plain.end;
    if (offset >= size || isSatisfied()) break;
    const part = { path, offset, size, signal };
    const compressed = await readCompressed(part, { onEntry, isSatisfied });
    entries += compressed.entries;
    parts.push(compressed.compression);
    offset = compressed.end;
    if (isSatisfied()) break;
  }
  if (entries === 0) throw new InitrdFormatError("contains no files");
  return { entries, parts };
}

/** Reads plain cpio archives and the zeros around them, up to the first byte of something else. */
async function readPlain(
  path: string,
  start: number,
  onEntry: OnEntry,
): Promise<{ entries: number; archives: number; end: number }> {
  const reader = new CpioReader(onEntry, start);
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
  { onEntry, isSatisfied }: Required<InitrdVisitor>,
): Promise<{ entries: number; compression: CompressionFormat; end: number }> {
  const { path, offset, signal } = part;
  const compression = await compressionAt(path, offset);
  if (compression === undefined) {
    throw new InitrdFormatError(
      `has something at byte ${offset} that is neither cpio nor compressed`,
    );
  }
  const reader = new CpioReader(onEntry);
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
    if (isSatisfied()) {
      await chunks.return(part.size);
      return { entries: reader.entries, compression, end: part.size };
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
