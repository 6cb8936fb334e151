import type { FileHandle } from "node:fs/promises";

const bufferBytes = 1024 * 1024;
const maxDelayMs = 100;

/** Writes the small chunks that a network delivers to a file in large pieces. */
export class BufferedWriter {
  readonly #file: FileHandle;
  readonly #onWritten: (position: number) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #filled = 0;
  /** The byte of the file at which the buffer begins. */
  #position: number;
  /** Flushes a buffer that receives no further bytes. */
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /**
   * @param position byte of the file at which to begin
   * @param onWritten receives the byte up to which the file has been written
   */
  constructor(file: FileHandle, position: number, onWritten: (position: number) => void) {
    this.#file = file;
    this.#position = position;
    this.#onWritten = onWritten;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#flushing.catch(() => {});
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + bufferBytes - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === bufferBytes) await this.flush();
    }
    if (this.#filled === 0) return;
    // If this flush fails, the next one fails too and reports it.
    this.#timer ??= setTimeout(() => this.flush().catch(() => {}), maxDelayMs);
  }

  /** Writes what is in the buffer. After a failure it may be called again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flush());
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const filled = this.#buffer.subarray(0, this.#filled);
    for (let done = 0; done < filled.length; ) {
      const position = this.#position + done;
      done += (await this.#file.write(filled, done, filled.length - done, position)).bytesWritten;
    }
    this.#position += this.#filled;
    this.#filled = 0;
    this.#onWritten(this.#position);
  }
}
