import { randomUUID } from "node:crypto";
import { constants, openSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { addAbortSignal } from "node:stream";
import { detectLayerCompression, magicNumberBytes } from "../../compression/index.js";
import { diskFull, makeDirectories, NetbootError, readChunks } from "../../support/index.js";
import { blockSize, isTar } from "../../tar/index.js";
import { DirectoryFiles } from "../image-source/file-slice.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { Archive, cannotOpen } from "./archive.js";
import { decompressArchive } from "./archive-decompression.js";
import { otherFormatHint } from "./image-format.js";

/** Images have some gigabytes. A larger archive is a mistake, or an attempt to fill the disk. */
const maxArchiveBytes = 128 * 1024 ** 3;

export interface ArchiveOptions {
  /** Directory for a copy, if one is needed. */
  readonly scratchDirectory: string;
  readonly signal: AbortSignal;
  readonly onNotice: SourceOptions["onNotice"];
}

/**
 * Opens an archive that is a file. A plain tar is read in place. A compressed one is decompressed to a
 * plain tar in the scratch directory, and the contents of a named pipe are copied to one.
 * @throws NetbootError LAYOUT_INVALID, DISK_FULL, ZSTD_MISSING, PROGRAM_MISSING
 */
export async function openArchiveFile(path: string, options: ArchiveOptions): Promise<Archive> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw await directoryInstead(path);
    if (stats.isFIFO()) {
      return await openArchiveStream(readPipe(path, options.signal), path, options);
    }
    const head = await firstBytes(path, blockSize);
    if (detectLayerCompression(head) === "none") {
      if (!isTar(head)) throw notAnArchive(path);
      return await Archive.open(path, path, options.signal);
    }
    return await openArchiveStream(readChunks(path), path, options);
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

/**
 * Copies an archive that arrives as a stream to a plain tar in the scratch directory, and opens the copy.
 * @param chunks each is valid until the next one is requested
 * @throws NetbootError LAYOUT_INVALID, DISK_FULL, ZSTD_MISSING, PROGRAM_MISSING; errors of the stream
 */
export async function openArchiveStream(
  chunks: AsyncIterable<Buffer>,
  where: string,
  { scratchDirectory, signal, onNotice }: ArchiveOptions,
): Promise<Archive> {
  const path = join(scratchDirectory, `archive-${randomUUID().slice(0, 8)}.tar`);
  onNotice?.(`Reading the archive ${where}.`);
  try {
    await makeDirectories(scratchDirectory);
    const { head, all } = await peek(chunks, magicNumberBytes);
    const decompressed = decompressArchive(detectLayerCompression(head), all, where, signal);
    const plain = await peek(decompressed, blockSize);
    if (!isTar(plain.head)) throw notAnArchive(where);
    await copy(plain.all, path, where, signal);
    return await Archive.open(path, where, signal);
  } catch (error) {
    await rm(path, { force: true });
    throw diskFull(error, scratchDirectory);
  }
}

async function copy(
  chunks: AsyncIterable<Buffer>,
  path: string,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  let size = 0;
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      size += chunk.length;
      if (size > maxArchiveBytes) throw tooLarge(where);
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
}

/**
 * Reads the first bytes of a stream, or all of a shorter one. `all` is the whole stream, including
 * those bytes.
 */
async function peek(
  chunks: AsyncIterable<Buffer>,
  count: number,
): Promise<{ head: Buffer; all: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < count) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      // Close the stream if the caller stops early.
      iterator.return?.().catch(() => {});
    }
  }
  return { head, all: all() };
}

/** Reads a named pipe as a socket, because the signal can end that, unlike opening or reading a file. */
function readPipe(path: string, signal: AbortSignal): AsyncIterable<Buffer> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return addAbortSignal(signal, new Socket({ fd, readable: true, writable: false }));
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of readChunks(path, count)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

async function directoryInstead(path: string): Promise<NetbootError> {
  const hint = await otherFormatHint(new DirectoryFiles(path), path, { container: "directory" });
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${path} is a directory.`,
    hint ?? "Name the file that docker save, or skopeo copy to an oci-archive, wrote.",
  );
}

function notAnArchive(where: string): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} is neither a tar nor a compressed tar (gzip, zstd, xz, bzip2).`,
    "Create one with: docker save IMAGE, or skopeo copy docker://IMAGE oci-archive:FILE",
  );
}

function tooLarge(where: string): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} has more than 128 GiB of contents.`,
    "No image is that large. Save or copy it again.",
  );
}
