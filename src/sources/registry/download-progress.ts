/**
 * Reports how many bytes of a download are there. The numbers only grow: bytes that are fetched again
 * do not count as progress. Completeness is reported only once the digest is known to be right.
 */
export class DownloadProgress {
  readonly #size: number;
  readonly #report: (present: number, isCached: boolean) => void;
  #highest = -1;
  #isCached = true;

  /** @param report its second argument is true if no byte was seen to arrive */
  constructor(size: number, report: (present: number, isCached: boolean) => void) {
    this.#size = size;
    this.#report = report;
  }

  get hasBegun(): boolean {
    return !this.#isCached;
  }

  advance(present: number): void {
    this.#isCached = false;
    if (present <= this.#highest || present >= this.#size) return;
    this.#highest = present;
    this.#report(present, false);
  }

  complete(): void {
    this.#report(this.#size, this.#isCached);
  }
}
