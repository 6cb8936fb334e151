import { FilesAsRead } from "./files-as-read.js";
import type { Release } from "./releases.js";

/** Milliseconds between two looks at the files. */
const interval = 2_000;

/**
 * Tells once of each release whose files were changed, or made again, while it is served: names and
 * sizes were read when the server started.
 */
export class ReleaseWatch {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onChange: (release: Release) => void;

  constructor(onChange: (release: Release) => void) {
    this.#onChange = onChange;
  }

  async start(releases: readonly Release[]): Promise<void> {
    for (const release of releases) {
      const files = new FilesAsRead();
      for (const { path } of [release.kernel, release.initrd, release.squashfs]) {
        await files.note(path);
      }
      const timer = setInterval(async () => {
        if (!(await files.haveChanged()) || !this.#timers.includes(timer)) return;
        this.#end(timer);
        this.#onChange(release);
      }, interval).unref();
      this.#timers.push(timer);
    }
  }

  close(): void {
    for (const timer of [...this.#timers]) this.#end(timer);
  }

  #end(timer: NodeJS.Timeout): void {
    clearInterval(timer);
    this.#timers.splice(this.#timers.indexOf(timer), 1);
  }
}
