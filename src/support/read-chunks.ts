import { open } from "node:fs/promises";

const chunkSize = 1024 * 1024;

/**
 * The bytes of a file from first to last, read into the same memory again and again: each chunk
 * is good until the next is asked for.
 * @param count bytes to read; all if undefined
 * @param start where in the file to begin
 */
export async function* readChunks(
  path: string,
  count = Infinity,
  start = 0,
): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(chunkSize);
    const end = start + count;
    for (let position = start; position < end; ) {
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
