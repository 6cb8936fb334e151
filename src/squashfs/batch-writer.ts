import type { Writable } from "node:stream";

const batchBytes = 256 * 1024;
/** 16 MiB together: with less, this process and the reading one take turns waiting. */
const maxBatches = 64;

/**
 * Writes to a stream in large batches, and reuses their memory. A tar consists mostly of small
 * pieces, and a separate write for each would take longer than compressing some of them.
 */
export class BatchWriter {
  readonly #stream: Writable;
  /** Batches that have been written and can be reused. */
  readonly #free: Buffer[] = [];
  #inFlight = 0;
  #batch: Buffer | undefined;
  #filled = 0;
  #wake: () => void = () => {};

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("close", () => this.#wake());
  }

  /** Copies the bytes, also if the writer is full. */
  write(bytes: Buffer): void {
    for (let copied = 0; copied < bytes.length; ) {
      this.#batch ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(batchBytes);
      const count = bytes.copy(this.#batch, this.#filled, copied);
      copied += count;
      this.#filled += count;
      if (this.#filled === batchBytes) this.flush();
    }
  }

  /** Writes the current batch. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#inFlight += 1;
    this.#stream.write(batch.subarray(0, this.#filled), () => {
      this.#inFlight -= 1;
      this.#free.push(batch);
      this.#wake();
    });
    this.#batch = undefined;
    this.#filled = 0;
  }

  /** True while the maximum number of batches is being written. */
  get isFull(): boolean {
    return this.#inFlight >= maxBatches;
  }

  /** Resolves when there is room again, the stream is destroyed, or the signal is aborted. */
  async hasRoom(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake, { once: true });
    while (this.isFull && !this.#stream.destroyed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    signal.removeEventListener("abort", wake);
  }
}
