import { abortable } from "./abortable.js";

/** One question, while it is asked or once it is answered. */
interface Shared<Answer> {
  readonly answer: Promise<Answer>;
  /** Ends the asking. */
  readonly controller: AbortController;
  /** How many wait. */
  waiting: number;
  isSettled: boolean;
}

/**
 * Answers that are asked for once for all who want them at the same time. Each may stop waiting by
 * its own signal, and only when all have stopped does the asking end. A failure is never kept.
 */
export class SingleFlight<Answer> {
  readonly #asked = new Map<string, Shared<Answer>>();
  readonly #isKept: boolean;

  /** @param options whether answers are given to those, too, who ask later; true by default */
  constructor({ isKept = true }: { isKept?: boolean } = {}) {
    this.#isKept = isKept;
  }

  /** @throws what asking throws, and the signal's reason */
  async get(
    key: string,
    ask: (signal: AbortSignal) => Promise<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    signal?.throwIfAborted();
    const shared = this.#asked.get(key) ?? this.#ask(key, ask);
    shared.waiting += 1;
    try {
      return await abortable(shared.answer, signal);
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0 && signal?.aborted && !shared.isSettled) {
        // Who comes now is not to wait for what is being ended.
        this.#forget(key, shared);
        shared.controller.abort(signal.reason);
      }
    }
  }

  #ask(key: string, ask: (signal: AbortSignal) => Promise<Answer>): Shared<Answer> {
    const controller = new AbortController();
    const shared: Shared<Answer> = {
      answer: ask(controller.signal),
      controller,
      waiting: 0,
      isSettled: false,
    };
    this.#asked.set(key, shared);
    const settle = (isKept: boolean) => {
      shared.isSettled = true;
      if (!isKept) this.#forget(key, shared);
    };
    shared.answer.then(
      () => settle(this.#isKept),
      () => settle(false),
    );
    return shared;
  }

  #forget(key: string, shared: Shared<Answer>): void {
    if (this.#asked.get(key) === shared) this.#asked.delete(key);
  }
}
