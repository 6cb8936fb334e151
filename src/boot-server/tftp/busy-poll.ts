/** A client on a local network acknowledges a block within this time. */
const pollMs = 0.2;

/**
 * Keeps the event loop awake for a moment (busy polling). TFTP waits for an acknowledgement per
 * block, which arrives sooner than an idle processor wakes up; everything that the server does for a
 * block takes less time than that. With several transfers there is always work to do, and their
 * clients may run on this machine and need the processor, so polling stops.
 */
export class BusyPoll {
  #transfers = 0;
  #untilMs = 0;
  #isPolling = false;
  readonly #poll = () => {
    this.#isPolling = performance.now() < this.#untilMs;
    if (this.#isPolling) setImmediate(this.#poll);
  };

  /** Call this when a transfer begins. */
  enter(): void {
    this.#transfers += 1;
  }

  /** Call this when a transfer ends. */
  leave(): void {
    this.#transfers -= 1;
  }

  /** Polls for a moment from now on; other events are still handled meanwhile. */
  extend(): void {
    if (this.#transfers > 1) return;
    this.#untilMs = performance.now() + pollMs;
    if (this.#isPolling) return;
    this.#isPolling = true;
    setImmediate(this.#poll);
  }
}
