import type { Layer } from "../read/layer.js";

/** Bytes of contents per compressed byte in images based on Debian and Ubuntu. */
const typicalRatio = 2.7;
/** From this many compressed bytes on, the image's own ratio predicts better than the typical one. */
const minSampleBytes = 1_000_000;

/** Bytes of file contents that so many compressed bytes of layers typically hold. */
export function estimateContentBytes(compressedBytes: number): number {
  return compressedBytes * typicalRatio;
}

/** Estimates the bytes of file contents in an image while its layers are being read. */
export class SizeEstimate {
  /** Compressed bytes of all layers. */
  #compressed = 0;
  /** Bytes of contents read so far. */
  #read = 0;
  /** Bytes of contents in the completed layers, and the compressed bytes of those layers. */
  #readInFull = 0;
  #readCompressed = 0;

  constructor(layers: readonly Layer[]) {
    for (const { blob } of layers) this.#compressed += blob.descriptor.size;
  }

  add(contentBytes: number): void {
    this.#read += contentBytes;
  }

  endLayer({ blob }: Layer): void {
    this.#readInFull = this.#read;
    this.#readCompressed += blob.descriptor.size;
  }

  /** Assumes that the remaining layers compress as well as those read so far. */
  get bytes(): number {
    const hasSample = this.#readCompressed > minSampleBytes;
    const ratio = hasSample ? this.#readInFull / this.#readCompressed : typicalRatio;
    const missing = (this.#compressed - this.#readCompressed) * ratio;
    return Math.max(this.#read, this.#readInFull + missing);
  }
}
