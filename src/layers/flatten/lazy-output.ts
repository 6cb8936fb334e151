import type { FlowingOutput } from "./flatten.js";

/** An output that is opened when the first byte is written to it. */
export class DeferredOutput<Output extends FlowingOutput> implements FlowingOutput {
  readonly #open: () => Promise<Output>;
  #opened: Promise<Output> | undefined;
  #output: Output | undefined;
  #waiting: Buffer[] = [];

  constructor(open: () => Promise<Output>) {
    this.#open = open;
  }

  /** The output; undefined where nothing was written yet. */
  get opened(): Promise<Output> | undefined {
    return this.#opened;
  }

  write(bytes: Buffer): void {
    if (this.#output !== undefined) {
      this.#output.write(bytes);
      return;
    }
    this.#waiting.push(Buffer.from(bytes));
    if (this.#opened === undefined) {
      this.#opened = this.#start();
      // `ready` and `opened` tell of a failure; nobody may have asked yet.
      this.#opened.catch(() => {});
    }
  }

  ready(): Promise<void> | undefined {
    if (this.#output !== undefined) return this.#output.ready();
    return this.#opened?.then(() => {});
  }

  async #start(): Promise<Output> {
    const output = await this.#open();
    for (const bytes of this.#waiting) output.write(bytes);
    this.#waiting = [];
    this.#output = output;
    return output;
  }
}
