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
  #underWay = 0;
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
      this.#batch ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(batchSize);
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
    this.#underWay += 1;
    this.#stream.write(batch.subarray(0, this.#filled), () => {
      this.#underWay -= 1;
      this.#free.push(batch);
      this.#wake();
    });
    this.#batch = undefined;
    this.#filled = 0;
  }

  /** True while as many batches are on their way as are good. */
  get isFull(): boolean {
    return this.#underWay >= mostBatches;
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
}
