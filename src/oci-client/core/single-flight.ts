import { abortable } from "./abortable.js";

/** One call, while it runs or after it has succeeded. */
interface Flight<Result> {
  readonly result: Promise<Result>;
  readonly controller: AbortController;
  /** How many callers wait for the result. */
  waiting: number;
  isSettled: boolean;
}

/**
 * Makes one call for all concurrent callers with the same key. Each caller can stop waiting with its
 * own signal; the call itself is aborted once all callers have stopped. Failures are never kept.
 */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();
  readonly #keepsResults: boolean;

  /** @param options `keepsResults`: whether later callers get the first result too (default: true) */
  constructor({ keepsResults = true }: { readonly keepsResults?: boolean } = {}) {
    this.#keepsResults = keepsResults;
  }

  /** @throws what the call throws, and the signal's reason */
  async get(
    key: string,
    call: (signal: AbortSignal) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, call);
    flight.waiting += 1;
    try {
      return await abortable(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && signal?.aborted && !flight.isSettled) {
        // Removed first, so that no new caller waits for a call that is being aborted.
        this.#forget(key, flight);
        flight.controller.abort(signal.reason);
      }
    }
  }

  #start(key: string, call: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const controller = new AbortController();
    const flight: Flight<Result> = {
      result: call(controller.signal),
      controller,
      waiting: 0,
      isSettled: false,
    };
    this.#flights.set(key, flight);
    const settle = (keepsResult: boolean) => {
      flight.isSettled = true;
      if (!keepsResult) this.#forget(key, flight);
    };
    flight.result.then(
      () => settle(this.#keepsResults),
      () => settle(false),
    );
    return flight;
  }

  #forget(key: string, flight: Flight<Result>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
