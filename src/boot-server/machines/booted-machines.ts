import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which machines booted that are to boot once: a file for each, in a directory that outlives the
 * server. Removing a machine's file lets it boot again.
 */
export class BootedMachines {
  readonly #directory: string;

  /** @param directory made when the first machine booted */
  constructor(directory: string) {
    this.#directory = directory;
  }

  add(mac: string): void {
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(this.#fileOf(mac), "");
  }

  /** When it booted; undefined if it did not. */
  bootedAt(mac: string): Date | undefined {
    return statSync(this.#fileOf(mac), { throwIfNoEntry: false })?.mtime;
  }

  /** Hyphens: colons are not for file names everywhere. */
  #fileOf(mac: string): string {
    return join(this.#directory, mac.replaceAll(":", "-"));
  }
}
