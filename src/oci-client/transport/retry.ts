import { setTimeout as delay } from "node:timers/promises";
import { OciClientError } from "../core/oci-client-error.js";
import { backoff, noRetry, type RetryPolicy } from "./backoff.js";

export interface RetryOptions {
  policy?: Partial<RetryPolicy> | undefined;
  signal?: AbortSignal | undefined;
  /** Told before each pause: why, and for how many milliseconds. */
  onWait?: ((reason: string, pause: number) => void) | undefined;
  /** False as long as the registry never answered: its address may be wrong. */
  hasAnswered?: (() => boolean) | undefined;
}

/** Who never answered is asked for so long; a mistyped address is not worth minutes. */
const firstContactTimeoutMs = 10_000;
/** A signed address that ran out is replaced by asking again; what is refused twice stays refused. */
const maxRefusals = 2;
const busyStatuses = [408, 425, 429];

/** The attempts at one thing: waits between them, and decides when it is enough. */
export class Retry {
  readonly #policy: RetryPolicy;
  readonly #options: RetryOptions;
  #failures = 0;
  #refusals = 0;
  /** When the first of these failures happened, on the clock of `performance.now()`. */
  #since = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#policy = { ...noRetry, ...options.policy };
  }

  /** Something new has come: what failed before does not count any more. */
  renew(): void {
    this.#failures = 0;
    this.#refusals = 0;
  }

  /**
   * Waits before the next attempt, for as long as `Retry-After` asks at least.
   * @param progress what has come so far, for the message
   * @throws the error where another attempt is no use or not allowed any more, saying what was
   *   tried; the signal's reason, at once
   */
  async wait(error: unknown, progress = ""): Promise<void> {
    const { signal, onWait } = this.#options;
    signal?.throwIfAborted();
    if (!(error instanceof OciClientError) || !error.retryable) throw error;
    const now = performance.now();
    if (this.#failures === 0) this.#since = now;
    this.#failures += 1;
    if (isRefusal(error)) this.#refusals += 1;
    const elapsed = now - this.#since;
    const pause = Math.max(backoff(this.#failures, this.#policy), error.retryAfterMs ?? 0);
    const isEnough = elapsed + pause > this.#limit(error) || this.#refusals > maxRefusals;
    if (isEnough) throw this.#exhausted(error, elapsed, progress);
    onWait?.(error.message.replace(/\.$/, ""), pause);
    try {
      await delay(pause, undefined, { signal });
    } catch (reason) {
      signal?.throwIfAborted();
      throw reason;
    }
  }

  #limit({ code }: OciClientError): number {
    const isStranger = code === "REGISTRY_UNREACHABLE" && this.#options.hasAnswered?.() === false;
    return isStranger
      ? Math.min(this.#policy.totalMs, firstContactTimeoutMs)
      : this.#policy.totalMs;
  }

  #exhausted(error: OciClientError, elapsed: number, progress: string): OciClientError {
    if (this.#policy.totalMs === 0) return error;
    const { code, hint, status, retryAfterMs } = error;
    const times = this.#failures === 1 ? "once" : `${this.#failures} times`;
    const within = this.#failures === 1 ? "" : ` within ${formatPause(elapsed)}`;
    const wish =
      retryAfterMs !== undefined && retryAfterMs > this.#policy.maxPauseMs
        ? `, and wants to be left alone for ${formatPause(retryAfterMs)}`
        : "";
    const message = `${error.message.replace(/\.$/, "")}; tried ${times}${within}${wish}${progress && `; ${progress}`}.`;
    const details = { hint, retryable: true, cause: error };
    return new OciClientError(code, message, {
      ...details,
      ...(status !== undefined && { status }),
    });
  }
}

/**
 * Does something again as `Retry` allows it. Bytes that are not those of their digest are asked for
 * once more, too.
 */
export async function retrying<Result>(
  action: () => Promise<Result>,
  options: RetryOptions,
): Promise<Result> {
  const retry = new Retry(options);
  for (let isWrong = false; ; ) {
    try {
      return await action();
    } catch (error) {
      if (!isWrong && isMismatch(error)) isWrong = true;
      else await retry.wait(error);
    }
  }
}

/** True for bytes that all came and are others than the digest's. */
export function isMismatch(error: unknown): boolean {
  return error instanceof OciClientError && error.code === "BLOB_MISMATCH" && !error.retryable;
}

/** For people: `0.5 s`, `8 s`, `5 min`. */
export function formatPause(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

function isRefusal({ status }: OciClientError): boolean {
  return status !== undefined && status >= 400 && status < 500 && !busyStatuses.includes(status);
}
