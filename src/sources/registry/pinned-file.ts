import { type FileHandle, open, stat } from "node:fs/promises";

/**
 * A file by what stays the same when it is renamed. It is held open, so that the system does not give
 * its inode number to another file.
 */
export class PinnedFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #dev: number;
  readonly #ino: number;

  private constructor(path: string, file: FileHandle, dev: number, ino: number) {
    this.path = path;
    this.#file = file;
    this.#dev = dev;
    this.#ino = ino;
  }

  /** @throws system errors, such as ENOENT */
  static async open(path: string): Promise<PinnedFile> {
    const file = await open(path);
    const { dev, ino } = await file.stat();
    return new PinnedFile(path, file, dev, ino);
  }

  /** Whether this is the file that has this path now. */
  async isAt(path: string): Promise<boolean> {
    const { dev, ino } = await stat(path);
    return this.#dev === dev && this.#ino === ino;
  }

  /** In bytes. */
  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
