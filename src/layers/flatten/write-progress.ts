import type { Layer } from "../read/layer.js";
import { SizeEstimate } from "./size-estimate.js";

/** Receives the bytes of file contents written so far, and their exact or estimated total. */
export type ProgressListener = (written: number, total: number, isEstimate: boolean) => void;

/** Counts and reports the contents that were written to the current output. */
export class WriteProgress {
  /** The total as long as the layers are being read. */
  readonly estimate: SizeEstimate;
  readonly #listener: ProgressListener | undefined;
  #written = 0;
  #total: number | undefined;

  constructor(layers: readonly Layer[], listener: ProgressListener | undefined) {
    this.estimate = new SizeEstimate(layers);
    this.#listener = listener;
  }

  add(bytes: number): void {
    this.#written += bytes;
    this.#report();
  }

  /** Starts counting again, for a new output. */
  reset(): void {
    this.#written = 0;
  }

  setTotal(bytes: number): void {
    this.#total = bytes;
    this.#report();
  }

  #report(): void {
    const isEstimate = this.#total === undefined;
    this.#listener?.(this.#written, this.#total ?? this.estimate.bytes, isEstimate);
  }
}
