import {
  type Block,
  type BlockCache,
  blockSizeBytes,
  type OpenFile,
} from "../files/block-cache.js";

/**
 * The part of a file that one transfer is sending. Copying held blocks is synchronous: it avoids a
 * round trip through the thread pool per window.
 */
export class FileWindow {
  readonly #file: OpenFile;
  readonly #blocks: BlockCache;
  /** Consecutive blocks, from index `#first` on. */
  #held: Block[] = [];
  #first = 0;
  #fetching: Promise<void> = Promise.resolve();

  constructor(file: OpenFile, blocks: BlockCache) {
    this.#file = file;
    this.#blocks = blocks;
  }

  /** Size of the file in bytes. */
  get size(): number {
    return this.#file.size;
  }

  /** True if bytes `start` (inclusive) to `end` (exclusive) can be copied. */
  holds(start: number, end: number): boolean {
    if (start >= end) return true;
    const last = Math.floor((end - 1) / blockSizeBytes);
    return (
      Math.floor(start / blockSizeBytes) >= this.#first && last < this.#first + this.#held.length
    );
  }

  /**
   * Holds these bytes and releases all others. Must not be called concurrently.
   * @throws FileChanged, or the error of reading the file
   */
  fetch(start: number, end: number): Promise<void> {
    this.#fetching = this.#fetch(start, end);
    return this.#fetching;
  }

  /** Releases the held blocks. Afterwards the file may be closed. */
  async close(): Promise<void> {
    await this.#fetching.catch(() => {});
    this.#release();
  }

  async #fetch(start: number, end: number): Promise<void> {
    const first = Math.floor(start / blockSizeBytes);
    const last = Math.floor((end - 1) / blockSizeBytes);
    this.#release();
    this.#first = first;
    for (let index = first; index <= last; index += 1) {
      this.#held.push(await this.#blocks.take(this.#file, index));
    }
  }

  /** Copies held bytes from `start` on until the target is full. */
  copy(start: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const block = this.#held[Math.floor((start + done) / blockSizeBytes) - this.#first];
      if (block === undefined) throw new RangeError("these bytes are not held");
      const offset = (start + done) % blockSizeBytes;
      const piece = block.bytes.subarray(offset, offset + target.length - done);
      target.set(piece, done);
      done += piece.length;
    }
  }

  #release(): void {
    for (const block of this.#held) block.release();
    this.#held = [];
  }
}
