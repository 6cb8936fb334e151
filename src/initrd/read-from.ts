import { open } from "node:fs/promises";

const chunkSize = 256 * 1024;

/** The bytes of a file from an offset on; each chunk is good until the next is asked for. */
export async function* readFrom(path: string, start: number): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(chunkSize);
    for (let position = start; ; ) {
      const { bytesRead } = await file.read(buffer, 0, chunkSize, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
