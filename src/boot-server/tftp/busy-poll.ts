/** Milliseconds in which a client on a local network has acknowledged a block. */
const moment = 0.2;

/**
 * Keeps the event loop from going to sleep for a moment. TFTP waits for an acknowledgement a block,
 * which comes sooner than a processor wakes up; all that is done for a block takes less than that.
 * With several transfers there is something to do anyway, and their clients may need the processor.
 */
export class BusyPoll {
  #transfers = 0;
  #until = 0;
  #isAwake = false;
  readonly #look = () => {
    this.#isAwake = performance.now() < this.#until;
    if (this.#isAwake) setImmediate(this.#look);
  };

  /** A transfer begins. */
  enter(): void {
    this.#transfers += 1;
  }

  /** A transfer has ended. */
  leave(): void {
    this.#transfers -= 1;
  }

  /** From now on for a moment; what else there is to do is done all the same. */
  extend(): void {
    if (this.#transfers > 1) return;
    this.#until = performance.now() + moment;
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(this.#look);
  }
}
