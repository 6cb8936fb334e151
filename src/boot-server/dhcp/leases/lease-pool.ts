import { ipv4FromNumber, ipv4Number } from "../../net/address.js";
import type { AddressRange } from "./address-range.js";

/** How long an offered address is reserved: firmware waits up to 32 s before it asks again. */
const offerHoldMs = 60_000;

/** An address that a client has leased. */
export interface Lease {
  readonly client: string;
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly hostname: string | undefined;
}

export interface LeasePoolOptions {
  readonly range: AddressRange;
  /** Addresses in the range that the pool never gives out, such as those of this server and the router. */
  readonly excluded?: readonly string[];
  readonly leaseMs: number;
  /** Milliseconds since 1970: leases outlive the program, so a monotonic clock would not do. */
  readonly now: () => number;
}

interface Entry {
  client: string | undefined;
  hostname: string | undefined;
  /** The end of the current or last lease; 0 if there was none. */
  leasedUntil: number;
  /** Until then the address is withheld from others, because it was offered or is in use. */
  heldUntil: number;
}

/**
 * Knows which client has which address (RFC 2131, section 4.3.1). A client has one address, and gets
 * the same one again unless another client needed it. There is at most one entry per address, which
 * limits the memory.
 */
export class LeasePool {
  readonly #options: LeasePoolOptions;
  readonly #excluded: ReadonlySet<number>;
  readonly #entries = new Map<number, Entry>();
  readonly #addresses = new Map<string, number>();
  /** The first address that may never have been given out. */
  #next: number;

  constructor(options: LeasePoolOptions) {
    this.#options = options;
    this.#excluded = new Set(options.excluded?.map(ipv4Number));
    this.#next = options.range.first;
  }

  /**
   * Reserves an address for a client for a short time. Prefers, in this order: the address that the
   * client has, the one it asks for, one that was never given out, and the one whose lease ended
   * longest ago.
   * @returns undefined if all addresses are in use; `isHeld` is true if the client already had the
   * address, so that no other machine can rightfully use it
   */
  offer(client: string, requested?: string): { address: string; isHeld: boolean } | undefined {
    const now = this.#options.now();
    const own = this.#addresses.get(client);
    const number = own ?? this.#requested(client, requested) ?? this.#unused() ?? this.#oldest();
    if (number === undefined) return undefined;
    const isHeld = own !== undefined && this.#isTaken(number);
    const entry = this.#assign(client, number);
    entry.heldUntil = now + offerHoldMs;
    return { address: ipv4FromNumber(number), isHeld };
  }

  /** The current or last address of a client. */
  addressOf(client: string): string | undefined {
    const number = this.#addresses.get(client);
    return number === undefined ? undefined : ipv4FromNumber(number);
  }

  /** Leases an address to a client; undefined if the address is not available to it. */
  lease(client: string, address: string, hostname?: string): Lease | undefined {
    const number = ipv4Number(address);
    if (!this.#isAvailable(client, number)) return undefined;
    const entry = this.#assign(client, number);
    entry.hostname = hostname ?? entry.hostname;
    entry.leasedUntil = this.#options.now() + this.#options.leaseMs;
    entry.heldUntil = 0;
    return { client, address, until: entry.leasedUntil, hostname: entry.hostname };
  }

  /** Ends the reservation of an offered address: the client selected another server. */
  withdraw(client: string): void {
    const entry = this.#entryOf(client);
    if (entry !== undefined) entry.heldUntil = 0;
  }

  /**
   * Ends a client's lease. The client gets the same address again unless another client needs it.
   * @returns the ended lease; undefined if the client does not have that address
   */
  release(client: string, address: string): Lease | undefined {
    const entry = this.#entryOf(client);
    if (entry === undefined || this.addressOf(client) !== address) return undefined;
    entry.heldUntil = 0;
    entry.leasedUntil = Math.min(entry.leasedUntil, this.#options.now());
    return { client, address, until: entry.leasedUntil, hostname: entry.hostname };
  }

  /** Withholds an address, which an unknown machine uses, from all clients. */
  hold(address: string, durationMs: number): void {
    const number = ipv4Number(address);
    if (!this.#isInRange(number)) return;
    const holder = this.#entries.get(number)?.client;
    if (holder !== undefined) this.#addresses.delete(holder);
    const now = this.#options.now();
    const heldUntil = now + durationMs;
    this.#entries.set(number, {
      client: undefined,
      hostname: undefined,
      leasedUntil: now,
      heldUntil,
    });
  }

  /** Adds a lease of an earlier run. Call it in the order of the file: later leases win. */
  restore({ client, address, until, hostname }: Lease): void {
    const number = ipv4Number(address);
    if (!this.#isInRange(number)) return;
    const entry = this.#assign(client, number);
    entry.hostname = hostname;
    entry.leasedUntil = until;
  }

  /** All leases, including those that ended but whose addresses have no new client. */
  *leases(): Iterable<Lease> {
    for (const [number, { client, leasedUntil: until, hostname }] of this.#entries) {
      if (client === undefined || until === 0) continue;
      yield { client, address: ipv4FromNumber(number), until, hostname };
    }
  }

  #entryOf(client: string): Entry | undefined {
    const number = this.#addresses.get(client);
    return number === undefined ? undefined : this.#entries.get(number);
  }

  #isInRange(number: number): boolean {
    const { first, last } = this.#options.range;
    return first <= number && number <= last && !this.#excluded.has(number);
  }

  #isTaken(number: number): boolean {
    const entry = this.#entries.get(number);
    if (entry === undefined) return false;
    return Math.max(entry.leasedUntil, entry.heldUntil) > this.#options.now();
  }

  #isAvailable(client: string, number: number): boolean {
    if (!this.#isInRange(number)) return false;
    return this.#entries.get(number)?.client === client || !this.#isTaken(number);
  }

  #requested(client: string, address: string | undefined): number | undefined {
    const number = address === undefined ? undefined : ipv4Number(address);
    return number !== undefined && this.#isAvailable(client, number) ? number : undefined;
  }

  #unused(): number | undefined {
    const { last } = this.#options.range;
    for (; this.#next <= last; this.#next += 1) {
      if (!this.#entries.has(this.#next) && this.#isInRange(this.#next)) return this.#next;
    }
    return undefined;
  }

  /** Addresses that were only offered come first: their `leasedUntil` is 0. */
  #oldest(): number | undefined {
    let oldest: number | undefined;
    let ended = Number.POSITIVE_INFINITY;
    for (const [number, { leasedUntil }] of this.#entries) {
      if (leasedUntil >= ended || this.#isTaken(number)) continue;
      oldest = number;
      ended = leasedUntil;
    }
    return oldest;
  }

  /** Assigns an address to a client, and ends the previous assignments of both. */
  #assign(client: string, number: number): Entry {
    const known = this.#entries.get(number);
    if (known?.client === client) return known;
    if (known?.client !== undefined) this.#addresses.delete(known.client);
    const former = this.#entryOf(client);
    if (former !== undefined) {
      former.client = undefined;
      former.heldUntil = 0;
      former.leasedUntil = Math.min(former.leasedUntil, this.#options.now());
    }
    const entry: Entry = { client, hostname: undefined, leasedUntil: 0, heldUntil: 0 };
    this.#entries.set(number, entry);
    this.#addresses.set(client, number);
    return entry;
  }
}
