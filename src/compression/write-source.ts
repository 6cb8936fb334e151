import type { Writable } from "node:stream";
import type { ByteStream } from "./byte-source.js";

/**
 * Writes bytes to a decompressor as they arrive, then ends its input. If the decompressor closes
 * early or fails, this stops without an error: the decompressor itself reports the reason.
 * @throws what the source throws
 */
export async function writeSource(source: ByteStream, decompressor: Writable): Promise<void> {
  const closed = new Promise<"closed">((resolve) => {
    decompressor.on("close", () => resolve("closed"));
    decompressor.on("error", () => resolve("closed"));
  });
  const chunks = source.read()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), closed]);
      if (next === "closed") return;
      if (next.done) break;
      await Promise.race([written(decompressor, next.value), closed]);
    }
  } finally {
    // Not awaited: the source may still be waiting for bytes that arrive much later.
    chunks.return?.().catch(() => {});
  }
  decompressor.end();
}

/** Once this settles, the chunk may be overwritten. */
function written(stream: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stream.write(chunk, () => resolve());
  });
}
