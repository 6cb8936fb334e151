import {
  type Block,
  type BlockCache,
  blockSizeBytes,
  type OpenFile,
} from "../files/block-cache.js";

/**
 * The part of a file that one transfer is at: what is held is there at once, without a turn of the
 * thread pool for each window.
 */
export class FileWindow {
  readonly #file: OpenFile;
  readonly #blocks: BlockCache;
  /** Those that belong together follow each other. */
  #held: Block[] = [];
  #first = 0;
  #fetching: Promise<void> = Promise.resolve();

  constructor(file: OpenFile, blocks: BlockCache) {
    this.#file = file;
    this.#blocks = blocks;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#file.size;
  }

  /** Whether bytes `start` to `end`, the latter not included, can be copied. */
  holds(start: number, end: number): boolean {
    if (start >= end) return true;
    const last = Math.floor((end - 1) / blockSizeBytes);
    return (
      Math.floor(start / blockSizeBytes) >= this.#first && last < this.#first + this.#held.length
    );
  }

  /**
   * Holds these bytes, and no others any more. One call at a time.
   * @throws FileChanged, and the errors of reading
   */
  fetch(start: number, end: number): Promise<void> {
    this.#fetching = this.#fetch(start, end);
    return this.#fetching;
  }

  /** Gives back what is held. The file may be closed from then on. */
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

  /** Copies what is held, from `start` until the target is full. */
  copy(start: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const { bytes } = this.#held[Math.floor((start + done) / blockSizeBytes) - this.#first]!;
      const offset = (start + done) % blockSizeBytes;
      const piece = bytes.subarray(offset, offset + target.length - done);
      target.set(piece, done);
      done += piece.length;
    }
  }

  #release(): void {
    for (const block of this.#held) block.release();
    this.#held = [];
  }
}
