/** How far a transfer has got. */
export interface TransferProgress {
  /** Bytes of the whole; undefined if unknown. */
  readonly size: number | undefined;
  /** Bytes that were sent so far. */
  sent(): number;
}

/** Below this rate, a transfer is slow. */
export interface MinimumRate {
  /** The rate is measured over this time. */
  readonly periodMs: number;
  readonly bytesPerSecond: number;
}

const marksPerPeriod = 6;

/** The time between two calls of `TransferRate.mark`. */
export function markIntervalMs({ periodMs }: MinimumRate): number {
  return periodMs / marksPerPeriod;
}

interface Mark {
  readonly at: number;
  readonly sent: number;
}

/** Measures how fast a transfer is, recently and since its start. */
export class TransferRate {
  readonly #progress: TransferProgress;
  readonly #minimum: MinimumRate;
  readonly #now: () => number;
  readonly #start: number;
  /** The newest mark that is at least a period old, or the first one. */
  #oldest: Mark;
  /** Later marks. */
  readonly #marks: Mark[] = [];

  /** @param now milliseconds of a monotonic clock */
  constructor(progress: TransferProgress, minimum: MinimumRate, now: () => number) {
    this.#progress = progress;
    this.#minimum = minimum;
    this.#now = now;
    this.#start = now();
    this.#oldest = { at: this.#start, sent: progress.sent() };
  }

  get ageMs(): number {
    return this.#now() - this.#start;
  }

  /** Must be called several times per period. */
  mark(): void {
    const now = this.#now();
    this.#marks.push({ at: now, sent: this.#progress.sent() });
    for (let next = this.#marks[0]; next !== undefined; next = this.#marks[0]) {
      if (next.at > now - this.#minimum.periodMs) return;
      this.#oldest = next;
      this.#marks.shift();
    }
  }

  /** True if less than the minimum was sent in the last period. False during the first period. */
  get isSlow(): boolean {
    const { at, sent } = this.#oldest;
    const passedMs = this.#now() - at;
    if (passedMs < this.#minimum.periodMs) return false;
    return this.#progress.sent() - sent < (this.#minimum.bytesPerSecond * passedMs) / 1000;
  }

  /**
   * The remaining time if the transfer continues at its average rate.
   * @param typicalMs the duration of a typical transfer
   */
  remainingMs(typicalMs: number): number {
    const { size } = this.#progress;
    const [ageMs, sent] = [this.ageMs, this.#progress.sent()];
    if (size !== undefined && sent > 0) return Math.max(0, (ageMs * (size - sent)) / sent);
    return Math.max(typicalMs - ageMs, ageMs);
  }
}
