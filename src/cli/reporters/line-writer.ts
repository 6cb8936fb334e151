import type { Writable } from "node:stream";

/** Writes lines together that come together: each writing is a system call, and storms are many. */
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
