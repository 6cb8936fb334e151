import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Records which machines with `boot: once` have booted: one file for each, in a directory that
 * outlives the server. If a machine's file is removed, the machine boots from the network again.
 */
export class BootedMachines {
  readonly #directory: string;
  /** Machines whose file could not be written. */
  readonly #unsaved = new Map<string, Date>();

  /** @param directory created when the first machine has booted */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Records a machine. If its file cannot be written, the record lasts as long as this process.
   * @throws the error of the file system
   */
  add(mac: string): void {
    this.#unsaved.set(mac, new Date());
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#fileOf(mac), "");
    this.#unsaved.delete(mac);
  }

  /** When the machine booted; undefined if it has not booted yet. */
  bootedAt(mac: string): Date | undefined {
    try {
      const file = statSync(this.#fileOf(mac), { throwIfNoEntry: false });
      return file?.mtime ?? this.#unsaved.get(mac);
    } catch {
      // An unreadable directory was already reported when `add` failed to write to it.
      return this.#unsaved.get(mac);
    }
  }

  /** With hyphens, because not every file system allows colons. */
  #fileOf(mac: string): string {
    return join(this.#directory, mac.replaceAll(":", "-"));
  }
}
