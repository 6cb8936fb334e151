import { FilesAsRead } from "../files-as-read.js";
import { type RuleSources, readRuleBook } from "./rule-book.js";
import type { Rules } from "./rules.js";

/** Milliseconds between two looks at the files. */
const interval = 500;

export interface LiveRulesOptions {
  /** The rules were read again. */
  onChange(rules: Rules): void;
  /** The files changed and are not right any more: the last good rules stay. */
  onError(problem: string): void;
}

/**
 * The rules as their files are now: read again when one of these changes. By asking for their
 * times, as editors put a new file in the old one's place, and network file systems tell nothing.
 */
export class LiveRules {
  readonly #sources: RuleSources;
  readonly #options: LiveRulesOptions;
  #rules: Rules;
  #files: FilesAsRead;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(
    sources: RuleSources,
    options: LiveRulesOptions,
    rules: Rules,
    files: FilesAsRead,
  ) {
    this.#sources = sources;
    this.#options = options;
    this.#rules = rules;
    this.#files = files;
    this.#lookLater();
  }

  /** @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID */
  static async read(sources: RuleSources, options: LiveRulesOptions): Promise<LiveRules> {
    const files = new FilesAsRead();
    const rules = await readRuleBook(sources, (file) => files.note(file));
    return new LiveRules(sources, options, rules, files);
  }

  get current(): Rules {
    return this.#rules;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), interval).unref();
  }

  async #look(): Promise<void> {
    if (await this.#files.haveChanged()) await this.#readAgain();
    this.#lookLater();
  }

  /** Never fails: a server that runs does not end because of a file. */
  async #readAgain(): Promise<void> {
    const files = new FilesAsRead();
    this.#files = files;
    try {
      const rules = await readRuleBook(this.#sources, (file) => files.note(file));
      if (this.#isClosed) return;
      this.#rules = rules;
      this.#options.onChange(rules);
    } catch (error) {
      if (this.#isClosed) return;
      this.#options.onError(error instanceof Error ? error.message : String(error));
    }
  }
}
