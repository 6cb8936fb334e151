import { type ConflictDetector, doubtfulHoldMs } from "./conflict-detection.js";
import type { LeasePool } from "./lease-pool.js";

/** How long the server withholds an address that another machine uses. */
export const conflictHoldMs = 10 * 60_000;
/** The number of addresses to probe for one request before the server gives up. */
const maxProbes = 8;

/** An address of the pool; `isHeld` is true if the client already had it. */
export interface OfferedAddress {
  readonly address: string;
  readonly isHeld: boolean;
}

/** The client that an address is for. */
export interface AddressSeeker {
  readonly client: string;
  readonly mac: string;
  /** The address that it prefers. */
  readonly preferred: string | undefined;
}

/** Finds addresses of a pool that no other machine uses. */
export class AddressAllocator {
  readonly #pool: LeasePool;
  readonly #detector: ConflictDetector;
  readonly #onWarning: (text: string) => void;

  constructor(pool: LeasePool, detector: ConflictDetector, onWarning: (text: string) => void) {
    this.#pool = pool;
    this.#detector = detector;
    this.#onWarning = onWarning;
  }

  /**
   * Probes the pool's first offer, and further ones as long as other machines use them.
   * @returns undefined if no address is free
   */
  async allocate(
    first: OfferedAddress,
    { client, mac, preferred }: AddressSeeker,
  ): Promise<string | undefined> {
    let offer: OfferedAddress | undefined = first;
    for (let probes = 0; offer !== undefined && probes < maxProbes; probes += 1) {
      const { address, isHeld } = offer;
      // While the probe is in progress, a machine that asks again does not have the address yet.
      if (isHeld && !this.#detector.isPending(address)) return address;
      const use = await this.#detector.probe(address, mac);
      if (use === "free") return address;
      this.#pool.hold(address, use === "used" ? conflictHoldMs : doubtfulHoldMs);
      if (use === "used") {
        this.#onWarning(
          `${address} is in the range, but a machine uses it that did not get it from this server.`,
        );
      }
      offer = this.#pool.offer(client, preferred);
    }
    return undefined;
  }
}
