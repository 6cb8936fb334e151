import { statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A file, or a part of one. */
export interface FileSlice {
  readonly path: string;
  /** The byte at which the part begins; undefined for a whole file. */
  readonly offset?: number;
  /** In bytes. */
  readonly size: number;
}

/** The files of an image by name, in a directory or in an archive. */
export interface ImageFiles {
  /** The regular file of this name, or undefined. */
  find(name: string): FileSlice | undefined;
}

export class DirectoryFiles implements ImageFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  find(name: string): FileSlice | undefined {
    const path = join(this.#directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? { path, size: stats.size } : undefined;
  }
}

/**
 * Reads all bytes of a small file or part of a file.
 * @throws RangeError if it has more than `maxBytes`; system errors
 */
export async function readSlice(slice: FileSlice, maxBytes: number): Promise<Buffer> {
  const { path, offset, size } = slice;
  if (size > maxBytes) throw new RangeError("it is too large");
  if (offset === undefined) return readFile(path);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
