import { statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A file, or a part of one. */
export interface FileSlice {
  readonly path: string;
  /** Where the part begins in the file; the slice is the whole file where there is none. */
  readonly offset?: number;
  /** Bytes. */
  readonly size: number;
}

/** The files that an image consists of, by their names: in a directory, or in an archive. */
export interface ImageFiles {
  /** The regular file of this name; undefined where there is none. */
  find(name: string): FileSlice | undefined;
}

export class DirectoryFiles implements ImageFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  find(name: string): FileSlice | undefined {
    const path = join(this.#directory, name);
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? { path, size: found.size } : undefined;
  }
}

/**
 * The bytes of a small file.
 * @throws RangeError where it is larger than that; the system's errors
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
