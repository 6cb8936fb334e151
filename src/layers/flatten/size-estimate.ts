import type { Layer } from "../read/layer.js";

/** Contents to compressed bytes, in images of Debian and Ubuntu. */
const usualRatio = 2.7;
/** Compressed bytes that tell more of an image than what is usual. */
const tellingSize = 1_000_000;

/** Bytes of contents in so many compressed ones, in images as they usually are. */
export function usualContents(compressed: number): number {
  return compressed * usualRatio;
}

/** How many bytes of contents an image has, as far as that can be told while it is read. */
export class SizeEstimate {
  /** Of all layers. */
  #compressed = 0;
  /** Bytes of contents of what was read so far. */
  #read = 0;
  /** The same of layers that were read to their end, and their blobs. */
  #readInFull = 0;
  #readCompressed = 0;

  constructor(layers: readonly Layer[]) {
    for (const { blob } of layers) this.#compressed += blob.descriptor.size;
  }

  add(contents: number): void {
    this.#read += contents;
  }

  endLayer({ blob }: Layer): void {
    this.#readInFull = this.#read;
    this.#readCompressed += blob.descriptor.size;
  }

  /** As if what is still to be read were compressed as well as what was read. */
  get bytes(): number {
    const isTelling = this.#readCompressed > tellingSize;
    const ratio = isTelling ? this.#readInFull / this.#readCompressed : usualRatio;
    const missing = (this.#compressed - this.#readCompressed) * ratio;
    return Math.max(this.#read, this.#readInFull + missing);
  }
}
