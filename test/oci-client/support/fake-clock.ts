import type { Clock } from "../../../src/oci-client/index.js";

/** A clock that only moves when something sleeps or a test advances it. */
export class FakeClock implements Clock {
  #now = 0;
  /** Milliseconds of every pause so far. */
  readonly pauses: number[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.pauses.push(ms);
    this.#now += ms;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
