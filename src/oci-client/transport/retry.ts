import { type Clock, systemClock } from "../core/clock.js";
import { failureRule } from "../core/failure.js";
import { OciClientError } from "../core/oci-client-error.js";
import { backoffMs, noRetry, type RetryPolicy } from "./retry-policy.js";

export interface RetryOptions {
  /** Retries are disabled by default. */
  readonly policy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before each pause with the reason and the length of the pause. */
  readonly onWait?: ((reason: string, pauseMs: number) => void) | undefined;
  /** Whether any registry has answered yet; until then its address may be wrong. */
  readonly hasAnswered?: (() => boolean) | undefined;
  readonly clock?: Clock | undefined;
}

/** The attempts at one thing. Pauses between them as `failureRules` and the policy say. */
export class Retry {
  readonly #policy: RetryPolicy;
  readonly #options: RetryOptions;
  readonly #clock: Clock;
  #failures = 0;
  /** Failures of kinds that have a limit of their own. */
  #limitedFailures = 0;
  /** When the first of these failures happened, on the clock. */
  #since = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#policy = { ...noRetry, ...options.policy };
    this.#clock = options.clock ?? systemClock;
  }

  /** Forgets earlier failures, because there has been progress since. */
  renew(): void {
    this.#failures = 0;
    this.#limitedFailures = 0;
  }

  /**
   * Pauses before the next attempt, at least for as long as `Retry-After` says.
   * @param progress what has arrived so far, for the message
   * @throws the error itself if no retry can help; the error with what was tried if the policy allows
   *   no further retry; the signal's reason as soon as it aborts
   */
  async wait(error: unknown, progress = ""): Promise<void> {
    const { signal, onWait } = this.#options;
    signal?.throwIfAborted();
    if (!(error instanceof OciClientError) || !error.retryable) throw error;
    const rule = failureRule(error.failure);
    const now = this.#clock.now();
    if (this.#failures === 0) this.#since = now;
    this.#failures += 1;
    if (rule.maxRetries !== undefined) this.#limitedFailures += 1;
    const elapsedMs = now - this.#since;
    const pauseMs = Math.max(backoffMs(this.#failures, this.#policy), error.retryAfterMs ?? 0);
    const isExhausted =
      elapsedMs + pauseMs > this.#limitMs(error) ||
      this.#limitedFailures > (rule.maxRetries ?? Number.POSITIVE_INFINITY);
    if (isExhausted) throw this.#exhausted(error, elapsedMs, progress);
    onWait?.(error.message.replace(/\.$/, ""), pauseMs);
    await this.#clock.sleep(pauseMs, signal);
  }

  #limitMs({ failure }: OciClientError): number {
    const { firstContactTimeoutMs } = failureRule(failure);
    const isFirstContact = this.#options.hasAnswered?.() === false;
    return isFirstContact && firstContactTimeoutMs !== undefined
      ? Math.min(this.#policy.totalMs, firstContactTimeoutMs)
      : this.#policy.totalMs;
  }

  #exhausted(error: OciClientError, elapsedMs: number, progress: string): OciClientError {
    if (this.#policy.totalMs === 0) return error;
    const { code, hint, status, failure, retryAfterMs } = error;
    const times = this.#failures === 1 ? "once" : `${this.#failures} times`;
    const within = this.#failures === 1 ? "" : ` within ${formatPause(elapsedMs)}`;
    const request =
      retryAfterMs !== undefined && retryAfterMs > this.#policy.maxPauseMs
        ? `, and the server asks to wait ${formatPause(retryAfterMs)}`
        : "";
    const message = `${error.message.replace(/\.$/, "")}; tried ${times}${within}${request}${progress && `; ${progress}`}.`;
    return new OciClientError(code, message, {
      ...{ hint, failure, cause: error },
      ...(status !== undefined && { status }),
    });
  }
}

/**
 * Repeats an action as `failureRules` and the policy allow.
 * @throws what the last attempt throws, and the signal's reason
 */
export async function retrying<Result>(
  action: () => Promise<Result>,
  options: RetryOptions,
): Promise<Result> {
  const retry = new Retry(options);
  for (let immediateRetries = 0; ; ) {
    try {
      return await action();
    } catch (error) {
      if (immediateRetries < maxImmediateRetries(error)) immediateRetries += 1;
      else await retry.wait(error);
    }
  }
}

function maxImmediateRetries(error: unknown): number {
  if (!(error instanceof OciClientError)) return 0;
  const { retry, maxRetries = 0 } = failureRule(error.failure);
  return retry === "immediately" ? maxRetries : 0;
}

/** Whether all bytes arrived but their digest is wrong. */
export function isMismatch(error: unknown): boolean {
  return error instanceof OciClientError && error.failure === "mismatch";
}

/** Formats a duration for messages: `0.5 s`, `8 s`, `5 min`. */
export function formatPause(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}
