import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import type { Blob } from "../sources/index.js";
import { readChunks } from "../support/index.js";
import { FormatError } from "../tar/index.js";
import { feed } from "./feed.js";

/** Larger than Node's 16 KiB: a third faster. */
const chunkSize = 256 * 1024;

/**
 * Node's own decompressor: any number of members, an error for what follows them and is neither
 * a member nor zeros.
 * @throws FormatError
 */
export async function* gunzip(blob: Blob): AsyncGenerator<Buffer> {
  const decoder = createGunzip({ chunkSize });
  const fed = feed(blob, decoder);
  fed.catch((error: Error) => decoder.destroy(error));
  try {
    yield* decoder as AsyncIterable<Buffer>;
    await fed;
  } catch (error) {
    // What kept the bytes from coming is the reason that matters, not what followed from it.
    await fed;
    throw new FormatError(`it cannot be decompressed: ${(error as Error).message}`);
  } finally {
    decoder.destroy();
  }
  await checkFill(blob, decoder.bytesWritten);
}

/** Node stops at a zero behind a member, whatever follows it. */
async function checkFill(blob: Blob, start: number): Promise<void> {
  await blob.complete;
  const { path, offset = 0, descriptor } = blob;
  for await (const chunk of readChunks(path, descriptor.size - start, offset + start)) {
    if (chunk.some((byte) => byte !== 0)) {
      throw new FormatError("something follows the compressed data");
    }
  }
}

/**
 * Passes on what igzip puts out, then makes sure that igzip read the blob to its end: it stops
 * silently at bytes that begin no member. The last four bytes of a blob of one member are its
 * size modulo 2³² (RFC 1952 §2.3.1); where they are not, Node reads the blob again and decides.
 * @throws FormatError
 */
export async function* checkGzipEnd(
  blob: Blob,
  decoded: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of decoded) {
    size += chunk.length;
    yield chunk;
  }
  if ((await lastWord(blob)) === size % 2 ** 32) return;
  for await (const _ of gunzip(blob)) signal.throwIfAborted();
}

async function lastWord(blob: Blob): Promise<number> {
  await blob.complete;
  const file = await open(blob.path);
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(4),
      0,
      4,
      (blob.offset ?? 0) + Math.max(blob.descriptor.size - 4, 0),
    );
    return bytesRead === 4 ? buffer.readUInt32LE(0) : -1;
  } finally {
    await file.close();
  }
}
