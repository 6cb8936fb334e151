/** How long, and at which intervals, something is tried again; milliseconds. */
export interface RetryPolicy {
  /** From the first failure on, or from the last progress; 0 tries nothing again. */
  totalMs: number;
  /** The first pause, about; each one after it is twice as long. */
  firstPauseMs: number;
  maxPauseMs: number;
}

export const noRetry: RetryPolicy = { totalMs: 0, firstPauseMs: 1000, maxPauseMs: 60_000 };

/**
 * The pause before another attempt: exponential, its second half left to chance, so that clients
 * that failed together do not come back together.
 * @param failures in a row, from 1
 * @param random from 0 to 1
 */
export function backoff(
  failures: number,
  { firstPauseMs, maxPauseMs }: RetryPolicy,
  random = Math.random(),
): number {
  const full = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random;
}
