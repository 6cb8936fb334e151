import type { TarOutput } from "./tar-writer.js";

/** An output that is opened when the first byte is written to it. */
export class LazyOutput<Output extends TarOutput> implements TarOutput {
  readonly #open: () => Promise<Output>;
  #opened: Promise<Output> | undefined;
  #output: Output | undefined;
  #pending: Buffer[] = [];

  constructor(open: () => Promise<Output>) {
    this.#open = open;
  }

  /** The output; undefined if nothing has been written yet. */
  get opened(): Promise<Output> | undefined {
    return this.#opened;
  }

  write(bytes: Buffer): void {
    if (this.#output !== undefined) {
      this.#output.write(bytes);
      return;
    }
    this.#pending.push(Buffer.from(bytes));
    if (this.#opened === undefined) {
      this.#opened = this.#start();
      // `ready` and `opened` report a failure, but possibly only after it has occurred.
      this.#opened.catch(() => {});
    }
  }

  ready(): Promise<void> | undefined {
    if (this.#output !== undefined) return this.#output.ready();
    return this.#opened?.then(() => {});
  }

  async #start(): Promise<Output> {
    const output = await this.#open();
    for (const bytes of this.#pending) output.write(bytes);
    this.#pending = [];
    this.#output = output;
    return output;
  }
}
