import { open } from "node:fs/promises";

const chunkBytes = 1024 * 1024;

/**
 * The bytes of a file in order. Each chunk is valid until the next one is requested: two buffers
 * take turns, one with the chunk that the caller has, one for reading ahead.
 * @param count bytes to read; by default all
 * @param start offset of the first byte
 */
export async function* readChunks(
  path: string,
  count = Infinity,
  start = 0,
): AsyncGenerator<Buffer> {
  const file = await open(path);
  const end = start + count;
  const read = async (buffer: Buffer, position: number): Promise<Buffer> => {
    const length = Math.min(chunkBytes, end - position);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  let [buffer, other] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  let ahead = read(buffer, start);
  try {
    for (let position = start; ; ) {
      const chunk = await ahead;
      if (chunk.length === 0) return;
      position += chunk.length;
      [buffer, other] = [other, buffer];
      ahead = read(buffer, position);
      // The next turn of the loop reports a failure, if there is a next turn.
      ahead.catch(() => {});
      yield chunk;
    }
  } finally {
    await ahead.catch(() => {});
    await file.close();
  }
}
