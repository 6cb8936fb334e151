import { ipv4FromNumber, ipv4Number } from "../../net/address.js";
import type { AddressRange } from "./address-range.js";

/** Milliseconds that an offered address is kept: firmware waits up to 32 s before it asks again. */
const offerTime = 60_000;

/** An address that a client has. Times are milliseconds since 1970. */
export interface Lease {
  readonly client: string;
  readonly address: string;
  readonly until: number;
  readonly hostname: string | undefined;
}

export interface LeasePoolOptions {
  readonly range: AddressRange;
  /** Addresses in the range that are never given out: this server's own, the router's. */
  readonly excluded?: readonly string[];
  /** Milliseconds that a lease lasts. */
  readonly leaseTime: number;
  /** Milliseconds since 1970; leases outlive the program, so no other clock will do. */
  readonly now: () => number;
}

interface Entry {
  client: string | undefined;
  hostname: string | undefined;
  /** When the lease ended or ends; 0 where there was none. */
  leasedUntil: number;
  /** Until when it is not given to others, as it was offered or found in use. */
  heldUntil: number;
}

/**
 * Which client has which address (RFC 2131, section 4.3.1): each has one, and gets it again while
 * nobody else needs it. There is one entry an address at most, which bounds the memory.
 */
export class LeasePool {
  readonly #options: LeasePoolOptions;
  readonly #excluded: ReadonlySet<number>;
  readonly #entries = new Map<number, Entry>();
  readonly #addresses = new Map<string, number>();
  /** The first address that may not have been given to anybody yet. */
  #next: number;

  constructor(options: LeasePoolOptions) {
    this.#options = options;
    this.#excluded = new Set(options.excluded?.map(ipv4Number));
    this.#next = options.range.first;
  }

  /**
   * Keeps an address for a client for a short time: its own, the one it asks for, one that nobody
   * had yet, or the one whose lease ended longest ago. Undefined where all are taken.
   * `isHeld` says that the client had it already, so that nobody else can be using it rightly.
   */
  offer(client: string, requested?: string): { address: string; isHeld: boolean } | undefined {
    const now = this.#options.now();
    const own = this.#addresses.get(client);
    const number = own ?? this.#requested(client, requested) ?? this.#unused() ?? this.#oldest();
    if (number === undefined) return undefined;
    const isHeld = own !== undefined && this.#isTaken(number);
    const entry = this.#assign(client, number);
    entry.heldUntil = now + offerTime;
    return { address: ipv4FromNumber(number), isHeld };
  }

  /** The address that a client has or had last. */
  addressOf(client: string): string | undefined {
    const number = this.#addresses.get(client);
    return number === undefined ? undefined : ipv4FromNumber(number);
  }

  /** Gives a client an address for the time of a lease; undefined where it cannot have that one. */
  lease(client: string, address: string, hostname?: string): Lease | undefined {
    const number = ipv4Number(address);
    if (!this.#isAvailable(client, number)) return undefined;
    const entry = this.#assign(client, number);
    entry.hostname = hostname ?? entry.hostname;
    entry.leasedUntil = this.#options.now() + this.#options.leaseTime;
    entry.heldUntil = 0;
    return { client, address, until: entry.leasedUntil, hostname: entry.hostname };
  }

  /** Takes back what was offered only: the client chose another server. */
  withdraw(client: string): void {
    const entry = this.#entryOf(client);
    if (entry !== undefined) entry.heldUntil = 0;
  }

  /**
   * Ends a client's lease. The address stays its own until somebody needs it.
   * @returns the ended lease; undefined where the client does not have that address
   */
  release(client: string, address: string): Lease | undefined {
    const entry = this.#entryOf(client);
    if (entry === undefined || this.addressOf(client) !== address) return undefined;
    entry.heldUntil = 0;
    entry.leasedUntil = Math.min(entry.leasedUntil, this.#options.now());
    return { client, address, until: entry.leasedUntil, hostname: entry.hostname };
  }

  /** Gives an address that a stranger uses to nobody for some milliseconds. */
  setAside(address: string, time: number): void {
    const number = ipv4Number(address);
    if (!this.#isInRange(number)) return;
    const holder = this.#entries.get(number)?.client;
    if (holder !== undefined) this.#addresses.delete(holder);
    const now = this.#options.now();
    const heldUntil = now + time;
    this.#entries.set(number, {
      client: undefined,
      hostname: undefined,
      leasedUntil: now,
      heldUntil,
    });
  }

  /** Takes a lease of an earlier run over; later ones go before earlier ones. */
  restore({ client, address, until, hostname }: Lease): void {
    const number = ipv4Number(address);
    if (!this.#isInRange(number)) return;
    const entry = this.#assign(client, number);
    entry.hostname = hostname;
    entry.leasedUntil = until;
  }

  /** All leases, also those that ended and whose addresses nobody else got. */
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

  /** Offers that nobody took come first: there was no lease. */
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

  /** Makes an address a client's only one, and the client the only one of that address. */
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
