import { unwatchFile, watchFile } from "node:fs";
import { type RuleBook, type RuleSources, readRuleBook } from "./rule-book.js";
import type { Rules } from "./rules.js";

/** Milliseconds between two looks at the files. */
const interval = 500;

export interface LiveRulesOptions {
  /** The rules were read again. */
  onChange(rules: Rules): void;
  /** The files changed and are not right any more: the last good rules stay. */
  onError(problem: string): void;
}

/** The rules as their files are now: read again when one of these changes. */
export class LiveRules {
  readonly #sources: RuleSources;
  readonly #options: LiveRulesOptions;
  #book: RuleBook;
  #watched: readonly string[] = [];
  #isClosed = false;
  /** Changes are read one after the other, so that the last one holds. */
  #reading: Promise<void> = Promise.resolve();
  readonly #reload = () => {
    this.#reading = this.#reading.then(() => this.#read());
  };

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
    this.#isClosed = true;
    this.#watch([]);
  }

  /** Never fails: a server that runs does not end because of a file. */
  async #read(): Promise<void> {
    if (this.#isClosed) return;
    const tried: string[] = [];
    try {
      this.#book = await readRuleBook(this.#sources, (file) => tried.push(file));
      this.#options.onChange(this.#book.rules);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error.message : String(error));
      // A file that is missing may come.
      tried.push(...this.#book.files);
    }
    if (!this.#isClosed) this.#watch(tried);
  }

  /** By asking for their times: also tells of editors that put a new file in the old one's place. */
  #watch(files: readonly string[]): void {
    for (const file of this.#watched) unwatchFile(file, this.#reload);
    this.#watched = [...new Set(files)];
    for (const file of this.#watched)
      watchFile(file, { interval, persistent: false }, this.#reload);
  }
}
