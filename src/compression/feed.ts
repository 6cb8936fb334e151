import type { Writable } from "node:stream";
import type { Blob } from "../sources/index.js";

/**
 * Writes a blob's bytes to a decompressor as they come, and ends it. One that is closed early, or
 * fails, ends the feeding: it tells why by itself.
 * @throws what the blob throws
 */
export async function feed(blob: Blob, decompressor: Writable): Promise<void> {
  const closed = new Promise<"closed">((resolve) => {
    decompressor.on("close", () => resolve("closed"));
    decompressor.on("error", () => resolve("closed"));
  });
  const chunks = blob.read()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), closed]);
      if (next === "closed") return;
      if (next.done) break;
      await Promise.race([written(decompressor, next.value), closed]);
    }
  } finally {
    // It may be waiting for bytes that come much later.
    chunks.return?.().catch(() => {});
  }
  decompressor.end();
}

/** The chunk may be overwritten once this is settled. */
function written(stream: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stream.write(chunk, () => resolve());
  });
}
