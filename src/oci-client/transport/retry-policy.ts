/** How long and at which intervals failed calls are retried. */
export interface RetryPolicy {
  /** From the first failure on, or from the last progress; 0 disables retries. */
  readonly totalMs: number;
  /** The approximate first pause. Each following pause is twice as long. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

export const noRetry: RetryPolicy = { totalMs: 0, firstPauseMs: 1000, maxPauseMs: 60_000 };

/**
 * Computes the pause before the next attempt, in milliseconds. The pause is exponential, and its second
 * half is random, so that clients that failed together do not come back together.
 * @param failures in a row, from 1
 * @param random from 0 to 1
 */
export function backoffMs(
  failures: number,
  { firstPauseMs, maxPauseMs }: RetryPolicy,
  random = Math.random(),
): number {
  const fullMs = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 30));
  return fullMs / 2 + (fullMs / 2) * random;
}
