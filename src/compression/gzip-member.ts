import { crc32, createInflateRaw } from "node:zlib";
import { readAt, readChunks } from "../support/index.js";
import { DecompressionError } from "./decompression-error.js";
import { writeSource } from "./write-source.js";

/** Fixed fields, an extra field and two texts (RFC 1952 §2.3). */
const maxHeaderBytes = 256 * 1024;

/**
 * Decompresses a single gzip member and finds its exact end, which Node's gunzip does not report if
 * other bytes follow.
 * @param offset of the member in the file
 * @returns offset of the first byte after the member
 * @throws DecompressionError
 */
export async function* gunzipMember(path: string, offset: number): AsyncGenerator<Buffer, number> {
  const start = offset + headerSize(await readAt(path, offset, maxHeaderBytes));
  const inflate = createInflateRaw({ chunkSize: 256 * 1024 });
  const writing = writeSource({ read: () => readChunks(path, Infinity, start) }, inflate);
  writing.catch((error: Error) => inflate.destroy(error));
  let sum = 0;
  let size = 0;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      size += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new DecompressionError((error as Error).message);
  } finally {
    inflate.destroy();
    await writing.catch(() => {});
  }
  const end = start + inflate.bytesWritten;
  const trailer = await readAt(path, end, 8);
  if (trailer.length < 8) throw new DecompressionError("it is truncated");
  if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== size % 2 ** 32) {
    throw new DecompressionError("its checksum is wrong");
  }
  return end + 8;
}

function headerSize(head: Buffer): number {
  const flags = head[3] ?? 0;
  let at = 10;
  if (flags & 4) at += 2 + (head.length < at + 2 ? 0 : head.readUInt16LE(at));
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = head.indexOf(0, at);
    if (end < 0) throw damagedHeader();
    at = end + 1;
  }
  if (flags & 2) at += 2;
  if (head[2] !== 8 || at > head.length) throw damagedHeader();
  return at;
}

function damagedHeader(): DecompressionError {
  return new DecompressionError("its gzip header is damaged");
}
