import type { Writable } from "node:stream";

const batchSize = 256 * 1024;
/** 16 MiB: with less, this process and the one that reads stand still in turn. */
const mostBatches = 64;

/**
 * Writes to a stream in large batches, whose memory is used again and again: a tar is mostly
 * small pieces, and a write for each would take longer than compressing some of them.
 */
export class BatchWriter {
  readonly #stream: Writable;
  /** Batches that were written and can be filled again. */
  readonly #free: Buffer[] = [];
  #allocated = 0;
  #batch: Buffer | undefined;
  #filled = 0;
  #wake: () => void = () => {};

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("close", () => this.#wake());
  }

  /** Copies the bytes; takes them also when it is full. */
  write(bytes: Buffer): void {
    for (let taken = 0; taken < bytes.length; ) {
      this.#batch ??= this.#next();
      const count = bytes.copy(this.#batch, this.#filled, taken);
      taken += count;
      this.#filled += count;
      if (this.#filled === batchSize) this.flush();
    }
  }

  /** Passes on what was gathered. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#stream.write(batch.subarray(0, this.#filled), () => {
      this.#free.push(batch);
      this.#wake();
    });
    this.#batch = undefined;
    this.#filled = 0;
  }

  /** True while all batches are on their way. */
  get isFull(): boolean {
    return this.#batch === undefined && this.#free.length === 0 && this.#allocated >= mostBatches;
  }

  /** Resolves when there is room again, or never will be, or nobody cares any more. */
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

  #next(): Buffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#allocated += 1;
    return Buffer.allocUnsafeSlow(batchSize);
  }
}
