import type { Writable } from "node:stream";

/** Writes the lines of one turn of the event loop with one system call: a boot storm logs many. */
export class LineWriter {
  readonly #stream: Writable;
  #lines: string[] = [];

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(line: string): void {
    if (this.#lines.length === 0) setImmediate(() => this.#flush());
    this.#lines.push(line);
  }

  #flush(): void {
    this.#stream.write(`${this.#lines.join("\n")}\n`);
    this.#lines = [];
  }
}
