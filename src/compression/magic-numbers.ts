import type { Blob } from "../sources/index.js";

export type Compression = "gzip" | "zstd" | "none";

/**
 * Tells a blob's compression by its first bytes; media types lie too often.
 * gzip: RFC 1952 §2.3.1; zstd and its skippable frames: RFC 8878 §3.1.
 */
export async function detectCompression(blob: Blob): Promise<Compression> {
  const head = await firstBytes(blob, 4);
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return "gzip";
  if (head.length < 4) return "none";
  const magic = head.readUInt32LE(0);
  const isSkippable = magic >>> 4 === 0x184d2a5;
  return magic === 0xfd2fb528 || isSkippable ? "zstd" : "none";
}

async function firstBytes(blob: Blob, count: number): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of blob.read()) {
    head = Buffer.concat([head, chunk.subarray(0, count)]);
    if (head.length >= count) break;
  }
  return head.subarray(0, count);
}
