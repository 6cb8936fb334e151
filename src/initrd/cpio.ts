/** What is wrong with an initrd, after "it". */
export class InitrdFormatError extends Error {}

/** Of the form newc: magic and thirteen fields of eight hexadecimal digits. */
const headerSize = 110;
/** PATH_MAX: the kernel passes over longer names. */
const longestName = 4096;
const trailer = "TRAILER!!!";

type State = "header" | "name" | "content" | "between";

/**
 * Reads cpio archives as the kernel does (Linux, Documentation/driver-api/early-userspace/
 * buffer-format.rst; init/initramfs.c): newc with and without checksums, one after the other, with
 * zeros between them. Bytes are pushed as they come.
 */
export class CpioReader {
  readonly #onName: (name: string) => void;
  #state: State = "between";
  #held = Buffer.alloc(0);
  /** Bytes to be passed over. */
  #skip = 0;
  #nameSize = 0;
  #contentSize = 0;
  #position = 0;
  archives = 0;
  entries = 0;

  /**
   * @param onName told of each entry's name, bytes as latin1
   * @param position of the first byte: archives begin at multiples of four
   */
  constructor(onName: (name: string) => void, position = 0) {
    this.#onName = onName;
    this.#position = position;
  }

  /** True where an archive may end: between two of them, or before the first. */
  get isBetween(): boolean {
    return this.#state === "between";
  }

  /**
   * @returns bytes taken: fewer than there are where something that is no cpio begins
   * @throws InitrdFormatError
   */
  push(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      if (this.#state === "between") {
        const start = at;
        while (at < chunk.length && chunk[at] === 0) at += 1;
        this.#position += at - start;
        if (at === chunk.length) break;
        if (chunk[at] !== 0x30 || this.#position % 4 !== 0) return at;
        this.#state = "header";
        this.archives += 1;
        this.#position = 0;
      }
      const wanted = this.#state === "header" ? headerSize : this.#nameSize;
      const taken = chunk.subarray(at, at + wanted - this.#held.length);
      this.#held = Buffer.concat([this.#held, taken]);
      at += taken.length;
      if (this.#held.length < wanted) break;
      const bytes = this.#held;
      this.#held = Buffer.alloc(0);
      if (this.#state === "header") this.#header(bytes);
      else this.#name(bytes);
    }
    return at;
  }

  /** @throws InitrdFormatError where the last archive did not end */
  finish(): void {
    if (this.#state !== "between" || this.#skip > 0) {
      throw new InitrdFormatError(
        `ends in the middle of a cpio archive, after ${this.entries} entries`,
      );
    }
  }

  #header(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(text)) {
      throw new InitrdFormatError(`holds a damaged cpio header after ${this.entries} entries`);
    }
    const field = (number: number) =>
      Number.parseInt(text.slice(6 + 8 * number, 14 + 8 * number), 16);
    this.#contentSize = field(6);
    this.#nameSize = field(11);
    if (this.#nameSize === 0 || this.#nameSize > longestName) {
      throw new InitrdFormatError(`holds a cpio entry with a name of ${this.#nameSize} bytes`);
    }
    this.#state = "name";
  }

  #name(bytes: Buffer): void {
    const name = bytes.toString("latin1", 0, bytes.length - 1);
    this.#skip =
      padding(headerSize + this.#nameSize) + this.#contentSize + padding(this.#contentSize);
    if (name === trailer) {
      this.#state = "between";
      this.#skip = 0;
      this.#position = headerSize + this.#nameSize;
      return;
    }
    this.entries += 1;
    this.#onName(name);
    this.#state = "header";
  }
}

/** Up to the next multiple of four. */
function padding(size: number): number {
  return (4 - (size % 4)) % 4;
}
