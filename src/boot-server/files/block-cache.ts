import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** Bytes that are read from a file at a time. */
export const blockSize = 1024 * 1024;

/** A file as it was when it was opened. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
  /** Another one after each change of the file. */
  readonly identity: string;
}

/** A piece of a file, in memory that is used again after `release`. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Has to be called once, when nothing reads the bytes any more. */
  release(): void;
}

interface Entry {
  readonly key: string;
  readonly memory: Buffer;
  readonly filled: Promise<number>;
  users: number;
}

/**
 * What changes with the contents of an open file. The time of the inode is no part of it: it
 * changes also when another file takes the name, and this one is still whole then.
 */
export function identityOf({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join(" ");
}

/**
 * Pieces of files, each read once for all clients that want it while it is warm. The memory is not
 * given back but used again: new memory for each read costs more than the reading.
 */
export class BlockCache {
  readonly #most: number;
  /** Those that were wanted least lately come first. */
  readonly #entries = new Map<string, Entry>();
  readonly #free: Buffer[] = [];
  #allocated = 0;

  /** @param most blocks that are kept; more exist only while that many are being sent */
  constructor(most = 64) {
    this.#most = most;
  }

  /**
   * The block at an index, counted from 0.
   * @throws FileChanged, and the errors of reading
   */
  async take(file: OpenFile, index: number): Promise<Block> {
    const key = `${file.identity} ${index}`;
    const entry = this.#entries.get(key) ?? this.#read(file, index, key);
    // Now it is the one that was wanted last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users += 1;
    try {
      const length = await entry.filled;
      return { bytes: entry.memory.subarray(0, length), release: () => this.#release(entry) };
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      this.#release(entry);
      throw error;
    }
  }

  #read(file: OpenFile, index: number, key: string): Entry {
    const memory = this.#memory();
    const entry: Entry = { key, memory, filled: fill(memory, file, index), users: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #memory(): Buffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#allocated >= this.#most) {
      for (const [key, entry] of this.#entries) {
        if (entry.users > 0) continue;
        this.#entries.delete(key);
        return entry.memory;
      }
    }
    this.#allocated += 1;
    return Buffer.allocUnsafeSlow(blockSize);
  }

  #release(entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    const isKept = this.#entries.get(entry.key) === entry;
    if (isKept && this.#allocated <= this.#most) return;
    if (isKept) this.#entries.delete(entry.key);
    if (this.#allocated > this.#most) this.#allocated -= 1;
    else this.#free.push(entry.memory);
  }
}

/** Bytes of a file are not what they were when it was opened. */
export class FileChanged extends Error {}

async function fill(
  memory: Buffer,
  { handle, size, identity }: OpenFile,
  index: number,
): Promise<number> {
  const start = index * blockSize;
  const length = Math.min(blockSize, size - start);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(memory, done, length - done, start + done);
    if (bytesRead === 0) throw new FileChanged("the file became shorter while it was sent");
    done += bytesRead;
  }
  // Looked at after the reading: what was written before it has changed the time.
  if (identityOf(await handle.stat()) === identity) return length;
  throw new FileChanged("the file was changed while it was sent");
}
