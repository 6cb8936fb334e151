/** How long, and at which intervals, something is tried again; milliseconds. */
export interface RetryPolicy {
  /** From the first failure on, or from the last progress; 0 tries nothing again. */
  total: number;
  /** The first pause, about; each one after it is twice as long. */
  first: number;
  longest: number;
}

export const NO_RETRY: RetryPolicy = { total: 0, first: 1000, longest: 60_000 };

/**
 * The pause before another attempt: exponential, its second half left to chance, so that clients
 * that failed together do not come back together.
 *
 * @param failures in a row, from 1
 * @param random from 0 to 1
 */
export function backoff(
  failures: number,
  { first, longest }: RetryPolicy,
  random = Math.random(),
): number {
  const full = Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random;
}
