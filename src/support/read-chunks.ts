import { open } from "node:fs/promises";

const chunkSize = 1024 * 1024;

/**
 * The bytes of a file from first to last, read into the same memory again and again: each chunk
 * is good until the next is asked for.
 * @param end bytes to read; all if undefined
 */
export async function* readChunks(path: string, end = Infinity): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(chunkSize);
    for (let position = 0; position < end; ) {
      const length = Math.min(chunkSize, end - position);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
