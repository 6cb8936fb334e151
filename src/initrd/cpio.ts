import { InitrdFormatError } from "./initrd-format-error.js";

/** A newc header: the magic number and thirteen fields of eight hexadecimal digits. */
const headerBytes = 110;
/** PATH_MAX: the kernel skips entries with longer names. */
const maxNameBytes = 4096;
/** Larger contents are never kept. */
const maxKeptBytes = 1024 * 1024;
const trailer = "TRAILER!!!";

type State = "header" | "name" | "contents" | "between";

/**
 * Receives the name of each entry, its bytes as latin1.
 * @returns a function that receives the contents of a small file, if they are wanted
 */
export type OnEntry = (name: string) => ((contents: Buffer) => void) | undefined;

/**
 * Reads cpio archives as the kernel does (Linux, Documentation/driver-api/early-userspace/
 * buffer-format.rst; init/initramfs.c): newc with and without checksums, one after the other, with
 * zeros between them. Bytes are pushed as they arrive.
 */
export class CpioReader {
  readonly #onEntry: OnEntry;
  #onContents: ((contents: Buffer) => void) | undefined;
  #state: State = "between";
  #held = Buffer.alloc(0);
  /** Number of bytes to skip. */
  #skip = 0;
  #nameSize = 0;
  #contentSize = 0;
  #position = 0;
  archives = 0;
  entries = 0;

  /** @param position of the first byte in the file: archives begin at multiples of four */
  constructor(onEntry: OnEntry, position = 0) {
    this.#onEntry = onEntry;
    this.#position = position;
  }

  /** True between two archives and before the first: where the input may end. */
  get isBetween(): boolean {
    return this.#state === "between";
  }

  /**
   * @returns bytes consumed: fewer than the chunk has if something other than a cpio archive begins
   * @throws InitrdFormatError
   */
  push(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
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
      const wanted = this.#wantedBytes();
      const taken = chunk.subarray(at, at + wanted - this.#held.length);
      this.#held = Buffer.concat([this.#held, taken]);
      at += taken.length;
      if (this.#held.length < wanted) break;
      const bytes = this.#held;
      this.#held = Buffer.alloc(0);
      if (this.#state === "header") this.#readHeader(bytes);
      else if (this.#state === "name") this.#readName(bytes);
      else this.#readContents(bytes);
    }
    return at;
  }

  /** @throws InitrdFormatError if the last archive is incomplete */
  finish(): void {
    if (this.#state !== "between" || this.#skip > 0) {
      throw new InitrdFormatError(
        `ends in the middle of a cpio archive, after ${this.entries} entries`,
      );
    }
  }

  #wantedBytes(): number {
    if (this.#state === "header") return headerBytes;
    return this.#state === "name" ? this.#nameSize : this.#contentSize;
  }

  #readHeader(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(text)) {
      throw new InitrdFormatError(`has a damaged cpio header after ${this.entries} entries`);
    }
    const field = (number: number) =>
      Number.parseInt(text.slice(6 + 8 * number, 14 + 8 * number), 16);
    this.#contentSize = field(6);
    this.#nameSize = field(11);
    if (this.#nameSize === 0 || this.#nameSize > maxNameBytes) {
      throw new InitrdFormatError(`has a cpio entry with a name of ${this.#nameSize} bytes`);
    }
    this.#state = "name";
  }

  #readName(bytes: Buffer): void {
    const name = bytes.toString("latin1", 0, bytes.length - 1);
    this.#skip = padding(headerBytes + this.#nameSize);
    if (name === trailer) {
      this.#state = "between";
      this.#skip = 0;
      this.#position = headerBytes + this.#nameSize;
      return;
    }
    this.entries += 1;
    const onContents = this.#onEntry(name);
    if (onContents !== undefined && this.#contentSize > 0 && this.#contentSize <= maxKeptBytes) {
      this.#onContents = onContents;
      this.#state = "contents";
      return;
    }
    this.#skip += this.#contentSize + padding(this.#contentSize);
    this.#state = "header";
  }

  #readContents(bytes: Buffer): void {
    this.#onContents?.(bytes);
    this.#skip = padding(bytes.length);
    this.#state = "header";
  }
}

/** Number of bytes up to the next multiple of four. */
function padding(size: number): number {
  return (4 - (size % 4)) % 4;
}
