import type { FileHandle } from "node:fs/promises";
import { fileIdentity } from "./file-identity.js";

/** The unit in which files are read. */
export const blockSizeBytes = 1024 * 1024;

/** A file as it was when it was opened. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** In bytes. */
  readonly size: number;
  /** See `fileIdentity`. */
  readonly identity: string;
}

/** A piece of a file, in memory that is reused after `release`. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Must be called once, when nothing reads the bytes anymore. */
  release(): void;
}

interface Entry {
  readonly key: string;
  readonly memory: Buffer;
  readonly filled: Promise<number>;
  users: number;
}

/**
 * Blocks of files, each read once for all clients that want it while it is cached. The memory is
 * reused instead of freed: allocating memory for each read costs more than the read itself.
 */
export class BlockCache {
  readonly #maxBlocks: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #free: Buffer[] = [];
  #allocated = 0;

  /** @param maxBlocks blocks to keep; more exist only while that many are being sent */
  constructor(maxBlocks = 64) {
    this.#maxBlocks = maxBlocks;
  }

  /**
   * Returns the block at an index, counted from 0.
   * @throws FileChangedError, or the error of reading
   */
  async take(file: OpenFile, index: number): Promise<Block> {
    const key = `${file.identity} ${index}`;
    const entry = this.#entries.get(key) ?? this.#read(file, index, key);
    // Move it to the end: it is now the most recently used.
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
    if (this.#allocated >= this.#maxBlocks) {
      for (const [key, entry] of this.#entries) {
        if (entry.users > 0) continue;
        this.#entries.delete(key);
        return entry.memory;
      }
    }
    this.#allocated += 1;
    return Buffer.allocUnsafeSlow(blockSizeBytes);
  }

  #release(entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    const isKept = this.#entries.get(entry.key) === entry;
    if (isKept && this.#allocated <= this.#maxBlocks) return;
    if (isKept) this.#entries.delete(entry.key);
    if (this.#allocated > this.#maxBlocks) this.#allocated -= 1;
    else this.#free.push(entry.memory);
  }
}

/** The contents of a file are no longer those that it had when it was opened. */
class FileChangedError extends Error {}

async function fill(
  memory: Buffer,
  { handle, size, identity }: OpenFile,
  index: number,
): Promise<number> {
  const start = index * blockSizeBytes;
  const length = Math.min(blockSizeBytes, size - start);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(memory, done, length - done, start + done);
    if (bytesRead === 0)
      throw new FileChangedError("the file became shorter while it was being sent");
    done += bytesRead;
  }
  // Checked after the read: a write before the read has changed the time.
  if (fileIdentity(await handle.stat()) === identity) return length;
  throw new FileChangedError("the file changed while it was being sent");
}
