/** What a transfer has done so far. */
export interface Progress {
  /** Bytes of the whole; undefined where that is not known. */
  readonly size: number | undefined;
  /** Bytes that were moved up to now. */
  sent(): number;
}

/** What counts as getting on. */
export interface MinimumRate {
  /** Milliseconds that are looked at. */
  readonly period: number;
  readonly bytesPerSecond: number;
}

/** Looks in a period. */
const looks = 6;

/** How fast a transfer gets on, of late and since its beginning. */
export class TransferRate {
  readonly #progress: Progress;
  readonly #least: MinimumRate;
  readonly #start = performance.now();
  /** The first one is as old as the period, or the oldest there is. */
  readonly #marks: { at: number; sent: number }[] = [];

  constructor(progress: Progress, least: MinimumRate) {
    this.#progress = progress;
    this.#least = least;
    this.mark();
  }

  /** Milliseconds between two calls of `mark`. */
  static interval({ period }: MinimumRate): number {
    return period / looks;
  }

  /** Milliseconds. */
  get age(): number {
    return performance.now() - this.#start;
  }

  mark(): void {
    const now = performance.now();
    this.#marks.push({ at: now, sent: this.#progress.sent() });
    while ((this.#marks[1]?.at ?? now) <= now - this.#least.period) this.#marks.shift();
  }

  /** True where it moved less than it has to in the last period; never before one has passed. */
  get isSlow(): boolean {
    const { at, sent } = this.#marks[0]!;
    const passed = performance.now() - at;
    if (passed < this.#least.period) return false;
    return this.#progress.sent() - sent < (this.#least.bytesPerSecond * passed) / 1000;
  }

  /**
   * Milliseconds that it still needs, if it goes on as it did.
   * @param usual milliseconds that a whole transfer takes
   */
  rest(usual: number): number {
    const { size } = this.#progress;
    const [age, sent] = [this.age, this.#progress.sent()];
    if (size !== undefined && sent > 0) return Math.max(0, (age * (size - sent)) / sent);
    return Math.max(usual - age, age);
  }
}
