/** How long the same reason is not repeated. */
const repeatIntervalMs = 5000;

/** Passes on notices, but not repeatedly: several layers usually wait for the same reason. */
export class NoticeThrottle {
  readonly #notify: (message: string) => void;
  readonly #notifiedAtMs = new Map<string, number>();

  constructor(notify: (message: string) => void) {
    this.#notify = notify;
  }

  /** @param message its part before the first semicolon is the reason */
  notify(message: string): void {
    const nowMs = performance.now();
    const [reason = message] = message.split(";", 1);
    const lastMs = this.#notifiedAtMs.get(reason) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - lastMs < repeatIntervalMs) return;
    this.#notifiedAtMs.set(reason, nowMs);
    this.#notify(message);
  }
}

/** Passes on each message only once. */
export function withoutRepeats(notify: (message: string) => void): (message: string) => void {
  const seen = new Set<string>();
  return (message) => {
    if (seen.has(message)) return;
    seen.add(message);
    notify(message);
  };
}
