interface FailureRule {
  /**
   * `never`: another attempt would fail in the same way.
   * `immediately`: without a pause.
   * `after a pause`: an exponential pause, or a longer one if the server's `Retry-After` says so, for
   * as long as the retry policy allows.
   */
  readonly retry: "never" | "immediately" | "after a pause";
  /** Retries of this kind before the client gives up, in addition to the policy's limit. */
  readonly maxRetries?: number;
  /** Replaces a longer policy limit while no registry has answered yet. */
  readonly firstContactTimeoutMs?: number;
}

/**
 * Everything that the client retries. Each error carries one of these kinds; `Retry` and `retrying`
 * follow the rules.
 *
 * Two reactions are part of the protocol and not in this table: a refusal leads to one request with new
 * authorization if the registry has sent a challenge (auth/registry-session), and a server that cannot
 * resume a blob is asked for the whole blob (client).
 */
export const failureRules = {
  /** Refused, missing, malformed, or misconfigured. */
  permanent: { retry: "never" },
  /**
   * A host refused the connection, dropped it, or did not answer in time. If no registry has answered
   * yet, the address may be mistyped, which is not worth minutes of waiting.
   */
  unreachable: { retry: "after a pause", firstContactTimeoutMs: 10_000 },
  /** Status 408, 425, 429, or 5xx. */
  busy: { retry: "after a pause" },
  /**
   * The host that the registry redirected to answered 400, 401, or 403: a signed URL has expired. The
   * next attempt asks the registry for a new one. If that is refused as well, the URL is not the cause.
   */
  expiredUrl: { retry: "after a pause", maxRetries: 2 },
  /** A body ended before its announced size. */
  incomplete: { retry: "after a pause" },
  /** All bytes arrived, but their digest is wrong: one more download rules out a damaged transfer. */
  mismatch: { retry: "immediately", maxRetries: 1 },
} as const satisfies Record<string, FailureRule>;

export type FailureKind = keyof typeof failureRules;

/** The rule for a kind of failure. */
export function failureRule(kind: FailureKind): FailureRule {
  return failureRules[kind];
}
