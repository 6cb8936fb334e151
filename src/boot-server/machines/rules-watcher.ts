import type { Release } from "../releases/release.js";
import { areSameReleases } from "../releases/release-change.js";
import type { Rules } from "./rules.js";
import {
  hasChanged,
  isValid,
  type RulesSnapshot,
  type SnapshotSources,
  takeRulesSnapshot,
  type ValidSnapshot,
} from "./rules-snapshot.js";

const defaultIntervalMs = 500;

export interface RulesWatcherOptions {
  /** Time between two checks of the files; 500 ms by default. */
  readonly intervalMs?: number;
  /** The machines file, or a file that it names, has changed. */
  onRules(rules: Rules): void;
  /** Other releases are served now, or the same ones are valid again. */
  onReleases(current: readonly Release[], previous: readonly Release[]): void;
  /** The files have changed and are invalid now. The previous rules stay in force. */
  onError(problem: string): void;
}

/**
 * Keeps rules and releases up to date. If any of their files changes, it reads all of them again, so
 * that they agree. It polls the files' times, because editors replace files and network file systems
 * send no notifications. A new version takes effect only if the files have not changed again by the
 * next check: until then, they may be incomplete.
 */
export class RulesWatcher {
  readonly #sources: SnapshotSources;
  readonly #options: RulesWatcherOptions;
  /** The snapshot in force. */
  #current: ValidSnapshot;
  #latest: RulesSnapshot;
  /** True if the latest snapshot is not in force yet. */
  #isPending = false;
  /** The problem that was last reported, as long as it persists. */
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
    this.#current = first;
    this.#latest = first;
    this.#scheduleCheck();
  }

  /** @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID, RELEASE_INVALID */
  static async start(
    sources: SnapshotSources,
    options: RulesWatcherOptions,
  ): Promise<RulesWatcher> {
    const first = await takeRulesSnapshot(sources);
    if (isValid(first)) return new RulesWatcher(sources, options, first);
    throw first.error;
  }

  get current(): Rules {
    return this.#current.rules;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #scheduleCheck(): void {
    if (this.#isClosed) return;
    const { intervalMs = defaultIntervalMs } = this.#options;
    const check = () => void this.check().then(() => this.#scheduleCheck());
    this.#timer = setTimeout(check, intervalMs).unref();
  }

  /**
   * Checks the files now. Two checks in a row make a change effective.
   *
   * Never fails: a file must not stop a running server.
   */
  async check(): Promise<void> {
    if (await hasChanged(this.#latest)) {
      this.#latest = await takeRulesSnapshot(this.#sources);
      this.#isPending = true;
    } else if (this.#isPending) {
      this.#isPending = false;
      await this.#apply(this.#latest);
    }
  }

  async #apply(snapshot: RulesSnapshot): Promise<void> {
    const areRulesNew = await this.#current.ruleFiles.hasChanged();
    if (this.#isClosed) return;
    if (isValid(snapshot)) this.#replace(snapshot, areRulesNew);
    else this.#report(snapshot.error);
  }

  #replace(snapshot: ValidSnapshot, areRulesNew: boolean): void {
    const previous = this.current.releases;
    const current = snapshot.rules.releases;
    const wasInvalid = this.#problem !== undefined;
    this.#current = snapshot;
    this.#problem = undefined;
    if (areRulesNew) this.#options.onRules(snapshot.rules);
    if (!areSameReleases(current, previous) || (wasInvalid && !areRulesNew)) {
      this.#options.onReleases(current, previous);
    }
  }

  #report(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onError(problem);
  }
}
