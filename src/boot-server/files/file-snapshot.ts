import { stat } from "node:fs/promises";

/** Called with the path of each file before it is read; reading waits for the result. */
export type BeforeRead = (path: string) => Promise<void>;

/**
 * The state of files from before they were read. A file that changes while it is being read
 * therefore counts as changed.
 */
export class FileSnapshot {
  readonly #stamps = new Map<string, string>();

  async add(file: string): Promise<void> {
    if (!this.#stamps.has(file)) this.#stamps.set(file, await stampOf(file));
  }

  async hasChanged(): Promise<boolean> {
    for (const [file, stamp] of this.#stamps) if ((await stampOf(file)) !== stamp) return true;
    return false;
  }
}

/** Differs after each change. A missing file has a stamp too, because it may appear later. */
async function stampOf(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch(() => noStats);
  return [ino, size, mtimeNs, ctimeNs].join(" ");
}

const noStats = { ino: "", size: "", mtimeNs: "", ctimeNs: "" };
