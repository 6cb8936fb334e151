import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which machines booted that are to boot once: a file for each, in a directory that outlives the
 * server. Removing a machine's file lets it boot again.
 */
export class BootedMachines {
  readonly #directory: string;
  /** Those whose file could not be written. */
  readonly #since = new Map<string, Date>();

  /** @param directory made when the first machine booted */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * From then on, in this run also where the file cannot be written.
   * @throws the error of the file system
   */
  add(mac: string): void {
    this.#since.set(mac, new Date());
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#fileOf(mac), "");
    this.#since.delete(mac);
  }

  /** When it booted; undefined if it did not. */
  bootedAt(mac: string): Date | undefined {
    try {
      const file = statSync(this.#fileOf(mac), { throwIfNoEntry: false });
      return file?.mtime ?? this.#since.get(mac);
    } catch {
      // A directory that cannot be looked into was told of when it was to be written to.
      return this.#since.get(mac);
    }
  }

  /** Hyphens: colons are not for file names everywhere. */
  #fileOf(mac: string): string {
    return join(this.#directory, mac.replaceAll(":", "-"));
  }
}
