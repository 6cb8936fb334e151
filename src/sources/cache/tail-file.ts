import type { FileHandle } from "node:fs/promises";

const chunkSize = 512 * 1024;

/** How far a file is filled. */
export interface Filling {
  /** Bytes that can be read now. */
  readonly present: number;
  /** True when no more will come. */
  readonly isComplete: boolean;
  /** Resolves when either changed; rejects when the rest cannot be had. */
  changed(): Promise<void>;
}

/**
 * Reads a file from its first byte while it is being filled, to the end of the filling. Each chunk
 * is good until the next is asked for.
 * @param open called when there is something to read
 */
export async function* tailFile(
  open: () => Promise<FileHandle>,
  filling: Filling,
): AsyncGenerator<Buffer> {
  while (filling.present === 0 && !filling.isComplete) await filling.changed();
  const file = await open();
  const buffer = Buffer.allocUnsafeSlow(chunkSize);
  let position = 0;
  try {
    for (;;) {
      const available = filling.present - position;
      if (available > 0) {
        const length = Math.min(available, chunkSize);
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
