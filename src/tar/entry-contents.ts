import type { Region } from "./sparse.js";
import type { TarEvent } from "./tar-entry.js";

const zeros = Buffer.alloc(256 * 1024);

/** Passes on the stored bytes of one file and fills the holes of a sparse file with zeros. */
export class EntryContents {
  readonly #size: number;
  #remaining: number;
  readonly #regions: Region[] | undefined;
  #region = 0;
  #position = 0;

  /**
   * @param stored number of bytes in the archive
   * @param size number of bytes in the file, including holes
   * @param regions where the stored bytes belong; undefined if the file is not sparse
   */
  constructor(stored: number, size: number, regions: Region[] | undefined) {
    this.#remaining = stored;
    this.#size = size;
    this.#regions = regions;
  }

  get isDone(): boolean {
    return this.#position === this.#size && this.#remaining === 0;
  }

  /** Yields content events for the stored bytes at the start of `chunk`; returns the rest. */
  *push(chunk: Buffer): Generator<TarEvent, Buffer, void> {
    let rest = chunk;
    while (rest.length > 0 && this.#remaining > 0) {
      const region = this.#regions?.[this.#region];
      let length = Math.min(rest.length, this.#remaining);
      if (region !== undefined) {
        yield* this.#fillTo(region.offset);
        const end = region.offset + region.length;
        length = Math.min(length, end - this.#position);
        if (this.#position + length === end) this.#region += 1;
      }
      yield { kind: "content", bytes: rest.subarray(0, length) };
      this.#position += length;
      this.#remaining -= length;
      rest = rest.subarray(length);
    }
    if (this.#remaining === 0) yield* this.#fillTo(this.#size);
    return rest;
  }

  *#fillTo(position: number): Generator<TarEvent, void, void> {
    while (this.#position < position) {
      const length = Math.min(zeros.length, position - this.#position);
      yield { kind: "content", bytes: zeros.subarray(0, length) };
      this.#position += length;
    }
  }
}
