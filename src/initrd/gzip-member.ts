import { once } from "node:events";
import { crc32, createInflateRaw } from "node:zlib";
import { InitrdFormatError } from "./cpio.js";
import { readFrom } from "./read-from.js";

/** Fixed fields, an extra field and two texts (RFC 1952, section 2.3). */
const largestHeader = 256 * 1024;

/**
 * Unpacks one gzip member and finds its very end, which Node's gunzip does not tell where something
 * else follows.
 * @returns the offset of the first byte behind it
 * @throws InitrdFormatError
 */
export async function* gunzipMember(path: string, offset: number): AsyncGenerator<Buffer, number> {
  const start = offset + headerSize(await firstBytes(path, offset, largestHeader));
  const inflate = createInflateRaw({ chunkSize: 256 * 1024 });
  const feeding = feed(path, start, inflate);
  feeding.catch((error: Error) => inflate.destroy(error));
  let sum = 0;
  let size = 0;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      size += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new InitrdFormatError(`cannot be unpacked: ${(error as Error).message}`);
  } finally {
    inflate.destroy();
    await feeding.catch(() => {});
  }
  const end = start + inflate.bytesWritten;
  const trailer = await firstBytes(path, end, 8);
  if (trailer.length < 8) throw new InitrdFormatError("is cut short");
  if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== size % 2 ** 32) {
    throw new InitrdFormatError("cannot be unpacked: its checksum is wrong");
  }
  return end + 8;
}

async function feed(
  path: string,
  start: number,
  inflate: ReturnType<typeof createInflateRaw>,
): Promise<void> {
  for await (const chunk of readFrom(path, start)) {
    if (inflate.destroyed || inflate.readableEnded) return;
    // The chunk's memory is used again.
    if (inflate.write(Buffer.from(chunk))) continue;
    const gone = new AbortController();
    const stop = () => gone.abort();
    inflate.once("close", stop).once("end", stop);
    await once(inflate, "drain", { signal: gone.signal }).catch(() => {});
  }
  if (!inflate.destroyed) inflate.end();
}

function headerSize(head: Buffer): number {
  const flags = head[3] ?? 0;
  let at = 10;
  if (flags & 4) at += 2 + (head.length < at + 2 ? 0 : head.readUInt16LE(at));
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = head.indexOf(0, at);
    if (end < 0) throw new InitrdFormatError("has a damaged gzip header");
    at = end + 1;
  }
  if (flags & 2) at += 2;
  if (head[2] !== 8 || at > head.length) {
    throw new InitrdFormatError("has a damaged gzip header");
  }
  return at;
}

async function firstBytes(path: string, offset: number, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readFrom(path, offset)) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length >= count) break;
  }
  return Buffer.concat(chunks).subarray(0, count);
}
