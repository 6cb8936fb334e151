import type { FileHandle } from "node:fs/promises";

const chunkBytes = 512 * 1024;

/** How much of a growing file is there. */
export interface Filling {
  /** Bytes that can be read now. */
  readonly present: number;
  /** True when the file will not grow any more. */
  readonly isComplete: boolean;
  /** Resolves when either of them has changed; rejects when the remaining bytes will not come. */
  changed(): Promise<void>;
}

/**
 * Reads a growing file from its first byte to its last, waiting for bytes that are not there yet. A
 * chunk is valid until the next one is requested.
 * @param open called when there is something to read
 */
export async function* tailFile(
  open: () => Promise<FileHandle>,
  filling: Filling,
): AsyncGenerator<Buffer> {
  while (filling.present === 0 && !filling.isComplete) await filling.changed();
  const file = await open();
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let position = 0;
  try {
    for (;;) {
      const available = filling.present - position;
      if (available > 0) {
        const length = Math.min(available, chunkBytes);
        const { bytesRead } = await file.read(buffer, 0, length, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (filling.isComplete) {
        return;
      } else {
        await filling.changed();
      }
    }
  } finally {
    await file.close();
  }
}
