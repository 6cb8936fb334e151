/** Lets any number of callers wait for the next change. */
export class ChangeSignal {
  #resolve: () => void = () => {};
  #next: Promise<void> = this.#renew();

  /** Resolves at the next change. */
  get next(): Promise<void> {
    return this.#next;
  }

  announce(): void {
    const resolve = this.#resolve;
    this.#next = this.#renew();
    resolve();
  }

  #renew(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
