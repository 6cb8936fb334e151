import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { readChunks } from "../support/index.js";
import { FormatError } from "../tar/index.js";
import type { ByteSource, ByteStream } from "./byte-source.js";
import { DecompressionError } from "./decompression-error.js";
import { writeSource } from "./write-source.js";

/** A third faster than with Node's default of 16 KiB. */
const chunkBytes = 256 * 1024;

/**
 * Decompresses any number of gzip members with Node's own decompressor. Only zeros may follow.
 * @throws FormatError
 */
export async function* gunzip(source: ByteSource): AsyncGenerator<Buffer> {
  const consumed = yield* gunzipStream(source);
  await checkPadding(source, consumed);
}

/**
 * As `gunzip`, but ignores everything after a zero that follows a member.
 * @returns compressed bytes consumed
 * @throws DecompressionError
 */
export async function* gunzipStream(stream: ByteStream): AsyncGenerator<Buffer, number> {
  const decoder = createGunzip({ chunkSize: chunkBytes });
  const writing = writeSource(stream, decoder);
  writing.catch((error: Error) => decoder.destroy(error));
  try {
    yield* decoder as AsyncIterable<Buffer>;
    await writing;
  } catch (error) {
    // If the source failed, its error is the cause, and the decoder's a consequence.
    await writing;
    throw new DecompressionError((error as Error).message);
  } finally {
    decoder.destroy();
  }
  return decoder.bytesWritten;
}

/** Node stops at a zero after a member and ignores what follows it. */
async function checkPadding(source: ByteSource, start: number): Promise<void> {
  await source.complete;
  const { path, offset = 0, size } = source;
  for await (const chunk of readChunks(path, size - start, offset + start)) {
    if (chunk.some((byte) => byte !== 0)) {
      throw new FormatError("something follows the compressed data");
    }
  }
}

/**
 * Passes on igzip's output, then makes sure that igzip read the source to its end: it silently stops
 * at bytes that do not begin a member. The last four bytes of a source with one member are the
 * output's size modulo 2³² (RFC 1952 §2.3.1). If they are not, Node reads the source again and
 * decides.
 * @throws FormatError
 */
export async function* checkGzipEnd(
  source: ByteSource,
  output: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of output) {
    size += chunk.length;
    yield chunk;
  }
  if ((await lastWord(source)) === size % 2 ** 32) return;
  for await (const _ of gunzip(source)) signal.throwIfAborted();
}

async function lastWord(source: ByteSource): Promise<number> {
  await source.complete;
  const file = await open(source.path);
  try {
    const position = (source.offset ?? 0) + Math.max(source.size - 4, 0);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, position);
    return bytesRead === 4 ? buffer.readUInt32LE(0) : -1;
  } finally {
    await file.close();
  }
}
