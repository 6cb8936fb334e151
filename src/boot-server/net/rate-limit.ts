import { LruMap } from "../../support/index.js";

/** Number of clients to remember; the least recently seen one is forgotten first. */
const maxClients = 10_000;

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** A token bucket per client: a burst of requests, then a steady rate. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new LruMap<string, Bucket>(maxClients);

  /** @param now a monotonic clock, in milliseconds */
  constructor(
    { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
    now: () => number = () => performance.now(),
  ) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** @returns false if the client exceeds its rate; such a request costs no token */
  admits(client: string): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(client) ?? { tokens: this.#burst, filledAtMs: now };
    const gained = ((now - bucket.filledAtMs) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.filledAtMs = now;
    this.#buckets.put(client, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
