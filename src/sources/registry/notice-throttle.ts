/** Milliseconds for which the same reason is not told again. */
const quietTime = 5000;

/** Passes on why something takes longer; several layers mostly wait for the same reason. */
export class NoticeThrottle {
  readonly #tell: (message: string) => void;
  readonly #told = new Map<string, number>();

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** @param message its reason stands before a semicolon, if it has one */
  tell(message: string): void {
    const now = performance.now();
    const reason = message.split(";", 1)[0]!;
    if (now - (this.#told.get(reason) ?? Number.NEGATIVE_INFINITY) < quietTime) return;
    this.#told.set(reason, now);
    this.#tell(message);
  }
}

/** Passes each text on once. */
export function once(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    tell(message);
  };
}
