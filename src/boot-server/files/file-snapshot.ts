import { stat } from "node:fs/promises";

/** Files as they were before they were read: what changes in the meantime has changed since. */
export class FileSnapshot {
  readonly #stamps = new Map<string, string>();

  async note(file: string): Promise<void> {
    if (!this.#stamps.has(file)) this.#stamps.set(file, await stampOf(file));
  }

  async haveChanged(): Promise<boolean> {
    for (const [file, stamp] of this.#stamps) if ((await stampOf(file)) !== stamp) return true;
    return false;
  }
}

/** Another one after each change; empty for a file that is missing, and may come. */
async function stampOf(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch(() => noStats);
  return [ino, size, mtimeNs, ctimeNs].join(" ");
}

const noStats = { ino: "", size: "", mtimeNs: "", ctimeNs: "" };
