import { PackageDatabaseError } from "./package.js";

/** "B-tree Pages". */
const pageTypes = { tableInterior: 5, tableLeaf: 13 } as const;
const maxRows = 1_000_000;

/** A value of a record. Only integers, blobs and texts are needed here; others are undefined. */
type Value = bigint | Buffer | undefined;

/**
 * Reads the rows of tables in an SQLite database (https://www.sqlite.org/fileformat2.html) and its
 * write-ahead log. Uses no indexes and changes nothing. Names in quotes are sections of that document.
 */
export class SqliteDatabase {
  readonly #file: Buffer;
  readonly #pages: ReadonlyMap<number, Buffer>;
  readonly #pageSize: number;
  readonly #usable: number;
  /** Numbers of the pages read. A page is used only once, so a second read means a loop. */
  readonly #read = new Set<number>();

  /** @throws PackageDatabaseError */
  constructor(file: Buffer, log: Buffer = Buffer.alloc(0)) {
    if (file.toString("latin1", 0, 16) !== "SQLite format 3\0" || file.length < 100) {
      throw new PackageDatabaseError("is not an SQLite database");
    }
    this.#file = file;
    const size = file.readUInt16BE(16);
    this.#pageSize = size === 1 ? 65536 : size;
    this.#usable = this.#pageSize - file.readUInt8(20);
    if (this.#pageSize < 512 || this.#usable < 480) throw damaged();
    this.#pages = loggedPages(log, this.#pageSize);
  }

  /** The values of all rows of a table, in the order of the row IDs. */
  *rows(table: string): Generator<Value[]> {
    for (const [type, name, , root] of this.#records(1)) {
      if (text(type) !== "table" || text(name) !== table || typeof root !== "bigint") continue;
      yield* this.#records(Number(root));
      return;
    }
    throw new PackageDatabaseError(`has no table ${table}`);
  }

  *#records(root: number): Generator<Value[]> {
    // A stack of pages to read.
    const todo = [root];
    let count = 0;
    for (;;) {
      const number = todo.pop();
      if (number === undefined) return;
      const page = this.#page(number);
      const head = number === 1 ? 100 : 0;
      const kind = page[head];
      const cells = page.readUInt16BE(head + 3);
      if (kind === pageTypes.tableInterior) {
        const children: number[] = [];
        for (let cell = 0; cell < cells; cell += 1) {
          children.push(read32(page, read16(page, head + 12 + 2 * cell)));
        }
        children.push(read32(page, head + 8));
        todo.push(...children.reverse());
      } else if (kind === pageTypes.tableLeaf) {
        for (let cell = 0; cell < cells; cell += 1) {
          count += 1;
          if (count > maxRows) throw damaged();
          yield parseRecord(this.#payload(page, read16(page, head + 8 + 2 * cell)));
        }
      } else throw damaged();
    }
  }

  /** The payload of a cell in a table leaf, with its overflow pages ("Cell Payload Overflow Pages"). */
  #payload(page: Buffer, at: number): Buffer {
    const [bigSize, afterSize] = varint(page, at);
    const [, start] = varint(page, afterSize);
    const size = Number(bigSize);
    const most = this.#usable - 35;
    if (size <= most) return slice(page, start, size);
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (this.#usable - 4));
    const local = wanted <= most ? wanted : least;
    const chunks = [slice(page, start, local)];
    let next = read32(page, start + local);
    for (let missing = size - local; missing > 0; ) {
      const overflow = this.#page(next);
      const taken = Math.min(missing, this.#usable - 4);
      chunks.push(overflow.subarray(4, 4 + taken));
      missing -= taken;
      next = read32(overflow, 0);
    }
    return Buffer.concat(chunks);
  }

  #page(number: number): Buffer {
    if (this.#read.has(number)) throw damaged();
    this.#read.add(number);
    const logged = this.#pages.get(number);
    if (logged !== undefined) return logged;
    const start = (number - 1) * this.#pageSize;
    if (number < 1 || start + this.#pageSize > this.#file.length) throw damaged();
    return this.#file.subarray(start, start + this.#pageSize);
  }
}

/** The pages of all complete transactions in a write-ahead log ("WAL File Format"). */
function loggedPages(log: Buffer, pageSize: number): Map<number, Buffer> {
  const pages = new Map<number, Buffer>();
  if (log.length < 32 || log.readUInt32BE(0) >>> 1 !== 0x377f0682 >>> 1) return pages;
  if (log.readUInt32BE(8) !== pageSize) return pages;
  const pending: [number, Buffer][] = [];
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    // Frames left over from before the last checkpoint have other salts.
    if (!log.subarray(at + 8, at + 16).equals(log.subarray(16, 24))) break;
    pending.push([log.readUInt32BE(at), log.subarray(at + 24, at + 24 + pageSize)]);
    if (log.readUInt32BE(at + 4) === 0) continue;
    for (const [number, page] of pending.splice(0)) pages.set(number, page);
  }
  return pages;
}

/** "Record Format". */
function parseRecord(payload: Buffer): Value[] {
  const [headerSize, first] = varint(payload, 0);
  const values: Value[] = [];
  let body = Number(headerSize);
  for (let at = first; at < Number(headerSize); ) {
    const [bigType, next] = varint(payload, at);
    at = next;
    const type = Number(bigType);
    if (type >= 12) {
      const size = Math.floor((type - 12) / 2);
      values.push(slice(payload, body, size));
      body += size;
      continue;
    }
    const size = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0;
    const bytes = slice(payload, body, size);
    values.push(
      type === 8 ? 0n : type === 9 ? 1n : type >= 1 && type <= 6 ? signed(bytes) : undefined,
    );
    body += size;
  }
  return values;
}

function signed(bytes: Buffer): bigint {
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString("hex")}`));
}

function text(value: Value): string | undefined {
  return Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
}

/** @returns the value, and the position after it */
function varint(bytes: Buffer, start: number): [bigint, number] {
  let value = 0n;
  for (let at = start; at < start + 9; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) throw damaged();
    if (at === start + 8) return [(value << 8n) | BigInt(byte), at + 1];
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return [value, at + 1];
  }
  throw damaged();
}

function slice(bytes: Buffer, start: number, size: number): Buffer {
  if (start + size > bytes.length) throw damaged();
  return bytes.subarray(start, start + size);
}

function read16(bytes: Buffer, at: number): number {
  return slice(bytes, at, 2).readUInt16BE(0);
}

function read32(bytes: Buffer, at: number): number {
  return slice(bytes, at, 4).readUInt32BE(0);
}

function damaged(): PackageDatabaseError {
  return new PackageDatabaseError("is damaged");
}
