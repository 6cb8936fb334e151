import type { FileHandle } from "node:fs/promises";

const batchSize = 1024 * 1024;
/** Milliseconds that bytes are kept back at most. */
const longestDelay = 100;

/** Writes the small chunks of a network to a file in large batches. */
export class BufferedWriter {
  readonly #file: FileHandle;
  readonly #onWritten: (position: number) => void;
  readonly #batch = Buffer.allocUnsafeSlow(batchSize);
  #filled = 0;
  /** Where in the file the batch goes. */
  #position: number;
  /** Flushes what no more bytes come after. */
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /**
   * @param position where in the file to begin
   * @param onWritten told up to where the file is written
   */
  constructor(file: FileHandle, position: number, onWritten: (position: number) => void) {
    this.#file = file;
    this.#position = position;
    this.#onWritten = onWritten;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#flushing.catch(() => {});
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + batchSize - this.#filled);
      this.#batch.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === batchSize) await this.flush();
    }
    if (this.#filled === 0) return;
    // Where it fails, the next flush fails as well.
    this.#timer ??= setTimeout(() => this.flush().catch(() => {}), longestDelay);
  }

  /** Writes what was gathered; where that fails, it may be tried again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flush());
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const batch = this.#batch.subarray(0, this.#filled);
    for (let done = 0; done < batch.length; ) {
      const place = this.#position + done;
      done += (await this.#file.write(batch, done, batch.length - done, place)).bytesWritten;
    }
    this.#position += this.#filled;
    this.#filled = 0;
    this.#onWritten(this.#position);
  }
}
