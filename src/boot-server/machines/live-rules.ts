import { unwatchFile, watchFile } from "node:fs";
import { NetbootError } from "../../support/index.js";
import { type RuleBook, type RuleSources, readRuleBook } from "./rule-book.js";
import type { Rules } from "./rules.js";

/** Milliseconds between two looks at the files. */
const interval = 500;

export interface LiveRulesOptions {
  /** The rules were read again. */
  onChange(rules: Rules): void;
  /** The files changed and are not right any more: the last good rules stay. */
  onError(error: NetbootError): void;
}

/** The rules as their files are now: read again when one of these changes. */
export class LiveRules {
  readonly #sources: RuleSources;
  readonly #options: LiveRulesOptions;
  #book: RuleBook;
  #watched: readonly string[] = [];
  readonly #reload = () => void this.#read();

  private constructor(sources: RuleSources, options: LiveRulesOptions, book: RuleBook) {
    this.#sources = sources;
    this.#options = options;
    this.#book = book;
    this.#watch(book.files);
  }

  /** @throws NetbootError MACHINES_INVALID, CLOUD_CONFIG_INVALID */
  static async read(sources: RuleSources, options: LiveRulesOptions): Promise<LiveRules> {
    return new LiveRules(sources, options, await readRuleBook(sources));
  }

  get current(): Rules {
    return this.#book.rules;
  }

  close(): void {
    this.#watch([]);
  }

  async #read(): Promise<void> {
    try {
      this.#book = await readRuleBook(this.#sources);
    } catch (error) {
      if (!(error instanceof NetbootError)) throw error;
      this.#options.onError(error);
      return;
    }
    if (this.#watched.length === 0) return;
    this.#watch(this.#book.files);
    this.#options.onChange(this.#book.rules);
  }

  /** By asking for their times: also tells of editors that put a new file in the old one's place. */
  #watch(files: readonly string[]): void {
    for (const file of this.#watched) unwatchFile(file, this.#reload);
    this.#watched = [...new Set(files)];
    for (const file of this.#watched)
      watchFile(file, { interval, persistent: false }, this.#reload);
  }
}
