import { open } from "node:fs/promises";

const chunkSize = 1024 * 1024;

/**
 * The bytes of a file from first to last, read into the same memory again and again: each chunk
 * is good until the next is asked for. That one is being read meanwhile.
 * @param count bytes to read; all if undefined
 * @param start where in the file to begin
 */
export async function* readChunks(
  path: string,
  count = Infinity,
  start = 0,
): AsyncGenerator<Buffer> {
  const file = await open(path);
  const end = start + count;
  const read = async (buffer: Buffer, position: number): Promise<Buffer> => {
    const length = Math.min(chunkSize, end - position);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  let [buffer, other] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)];
  let ahead = read(buffer, start);
  try {
    for (let position = start; ; ) {
      const chunk = await ahead;
      if (chunk.length === 0) return;
      position += chunk.length;
      [buffer, other] = [other, buffer];
      ahead = read(buffer, position);
      // Of its failure the next turn is told, if there is one.
      ahead.catch(() => {});
      yield chunk;
    }
  } finally {
    await ahead.catch(() => {});
    await file.close();
  }
}
