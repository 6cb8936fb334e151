import { randomUUID } from "node:crypto";
import { constants, openSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { addAbortSignal } from "node:stream";
import { detectLayerCompression, magicNumberBytes } from "../../compression/index.js";
import { diskFull, makeDirectories, NetbootError, readChunks } from "../../support/index.js";
import { blockSize, isTar } from "../../tar/index.js";
import type { SourceOptions } from "../image-source/image-source.js";
import { Archive, cannotOpen } from "./archive.js";
import { decompressArchive } from "./archive-decompression.js";

/** Images have some gigabytes: what goes on beyond this is a mistake, or meant to fill the disk. */
const largestArchive = 128 * 1024 ** 3;

/** What is needed to open an archive. */
export interface ArchiveOptions {
  /** Where a copy is put, if there has to be one. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onNotice: SourceOptions["onNotice"];
}

/**
 * Opens an archive that is a file. A plain tar is read where it lies; a compressed one is unpacked
 * to a plain tar in the scratch space, and what comes through a pipe is copied to one.
 * @throws NetbootError LAYOUT_INVALID, DISK_FULL, ZSTD_MISSING
 */
export async function openArchiveFile(path: string, options: ArchiveOptions): Promise<Archive> {
  try {
    if ((await stat(path)).isFIFO()) {
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
 * Copies an archive that comes as a stream to a plain tar in the scratch space, and opens that.
 * @param chunks each may be overwritten once the next is asked for
 * @throws NetbootError LAYOUT_INVALID, DISK_FULL, ZSTD_MISSING, and what the chunks throw
 */
export async function openArchiveStream(
  chunks: AsyncIterable<Buffer>,
  where: string,
  { scratch, signal, onNotice }: ArchiveOptions,
): Promise<Archive> {
  const path = join(scratch, `archive-${randomUUID().slice(0, 8)}.tar`);
  onNotice?.(`Reading the archive ${where}.`);
  try {
    await makeDirectories(scratch);
    const { head, all } = await peek(chunks, magicNumberBytes);
    const decompressed = decompressArchive(detectLayerCompression(head), all, where, signal);
    const plain = await peek(decompressed, blockSize);
    if (!isTar(plain.head)) throw notAnArchive(where);
    await copy(plain.all, path, where, signal);
    return await Archive.open(path, where, signal);
  } catch (error) {
    await rm(path, { force: true });
    throw diskFull(error, scratch);
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
      if (size > largestArchive) throw tooLarge(where);
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
}

/** The first bytes of a stream, fewer where it has fewer, and the whole of it again. */
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
      // What is not read any more is closed.
      iterator.return?.().catch(() => {});
    }
  }
  return { head, all: all() };
}

/** Waiting for a pipe ends with the signal, which opening and reading a file do not. */
function readPipe(path: string, signal: AbortSignal): AsyncIterable<Buffer> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return addAbortSignal(signal, new Socket({ fd, readable: true, writable: false }));
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of readChunks(path, count)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

function notAnArchive(where: string): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} is none: neither a tar, nor one compressed with gzip or zstd.`,
    "Make one with: docker save IMAGE, or skopeo copy docker://IMAGE oci-archive:FILE",
  );
}

function tooLarge(where: string): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} unpacks to more than 128 GiB.`,
    "No image is that large: save or copy it again.",
  );
}
