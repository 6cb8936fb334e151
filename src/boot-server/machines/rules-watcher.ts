import type { Release } from "../releases/release.js";
import { areSameReleases } from "../releases/release-change.js";
import type { Rules } from "./rules.js";
import {
  haveChanged,
  isValid,
  type RulesSnapshot,
  readSnapshot,
  type SnapshotSources,
  type ValidSnapshot,
} from "./rules-snapshot.js";

/** Milliseconds between two looks at the files. */
const interval = 500;

export interface RulesWatcherOptions {
  /** The machines file, or what that names, was read again. */
  onRules(rules: Rules): void;
  /** Other releases are served from now on, or the same ones after something was wrong. */
  onReleases(now: readonly Release[], before: readonly Release[]): void;
  /** The files changed and are not right any more: the last good rules stay. */
  onError(problem: string): void;
}

/**
 * Rules and releases as their files are now: all are read again when one of these changes, so that
 * they agree. By asking for their times, as editors put a new file in the old one's place, and
 * network file systems tell nothing. What was read counts where the files are still the same one
 * look later: until then they may be half there.
 */
export class RulesWatcher {
  readonly #sources: SnapshotSources;
  readonly #options: RulesWatcherOptions;
  #held: ValidSnapshot;
  /** Undefined where the latest one counts already. */
  #next: RulesSnapshot | undefined;
  #latest: RulesSnapshot;
  /** What was told, as long as it is so. */
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(
    sources: SnapshotSources,
    options: RulesWatcherOptions,
    first: ValidSnapshot,
  ) {
    this.#sources = sources;
    this.#options = options;
    this.#held = first;
    this.#latest = first;
    this.#lookLater();
  }

  /** @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID, RELEASE_INVALID */
  static async read(sources: SnapshotSources, options: RulesWatcherOptions): Promise<RulesWatcher> {
    const first = await readSnapshot(sources);
    if (isValid(first)) return new RulesWatcher(sources, options, first);
    throw first.error;
  }

  get current(): Rules {
    return this.#held.rules;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), interval).unref();
  }

  /** Never fails: a server that runs does not end because of a file. */
  async #look(): Promise<void> {
    if (await haveChanged(this.#latest)) {
      this.#latest = await readSnapshot(this.#sources);
      this.#next = this.#latest;
    } else if (this.#next !== undefined) {
      await this.#take(this.#next);
      this.#next = undefined;
    }
    this.#lookLater();
  }

  async #take(reading: RulesSnapshot): Promise<void> {
    const areRulesNew = await this.#held.ruleFiles.hasChanged();
    if (this.#isClosed) return;
    if (isValid(reading)) this.#hold(reading, areRulesNew);
    else this.#tell(reading.error);
  }

  #hold(reading: ValidSnapshot, areRulesNew: boolean): void {
    const before = this.current.releases;
    const now = reading.rules.releases;
    const wasWrong = this.#problem !== undefined;
    this.#held = reading;
    this.#problem = undefined;
    if (areRulesNew) this.#options.onRules(reading.rules);
    if (!areSameReleases(now, before) || (wasWrong && !areRulesNew))
      this.#options.onReleases(now, before);
  }

  #tell(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onError(problem);
  }
}
