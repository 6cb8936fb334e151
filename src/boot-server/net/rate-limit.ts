import { LruMap } from "../../support/index.js";

/** Clients that are remembered; the one heard of longest ago is forgotten first. */
const mostClients = 10_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** How often a client may ask: so many times at once, and so many times a second from then on. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new LruMap<string, Bucket>(mostClients);

  /** @param now milliseconds of a clock that does not go back */
  constructor(
    { burst, perSecond }: { burst: number; perSecond: number },
    now: () => number = () => performance.now(),
  ) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** @returns false where the client asks too often; that is not counted */
  admits(client: string): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(client) ?? { tokens: this.#burst, filledAt: now };
    const gained = ((now - bucket.filledAt) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.filledAt = now;
    this.#buckets.put(client, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
