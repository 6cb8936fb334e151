import { LruMap } from "../../support/index.js";
import type { OfferStyle } from "../machines/offer-style.js";
import type { BootClient } from "./boot-client.js";

/** Offers that a machine may ignore before it gets the other style. */
const maxUnansweredOffers = 3;
/** A machine that asks again after this time has been restarted. */
const restartAfterMs = 5 * 60 * 1000;
/** Number of machines to remember; the least recently seen one is forgotten first. */
const maxMachines = 10_000;

interface OfferState {
  style: OfferStyle;
  unanswered: number;
  lastAskedMs: number;
}

/**
 * Remembers which style of offer each machine gets, and tries the other style if the machine keeps
 * asking: some HP and Supermicro firmware accepts only one of the two.
 */
export class OfferStyles {
  readonly #machines = new LruMap<string, OfferState>(maxMachines);
  readonly #now: () => number;

  /** @param now a monotonic clock, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The style for the next offer. Call it once per offer: it counts them. */
  next({ mac }: BootClient): OfferStyle {
    const now = this.#now();
    const known = this.#machines.get(mac);
    const isNew = known === undefined || now - known.lastAskedMs > restartAfterMs;
    const state: OfferState = isNew ? { style: "direct", unanswered: 0, lastAskedMs: now } : known;
    if (state.unanswered === maxUnansweredOffers) {
      state.style = state.style === "direct" ? "port-4011" : "direct";
      state.unanswered = 0;
    }
    state.unanswered += 1;
    state.lastAskedMs = now;
    this.#machines.put(mac, state);
    return state.style;
  }

  /** The machine fetched what it was offered, so its firmware accepts the current style. */
  accepted(mac: string): void {
    const state = this.#machines.get(mac);
    if (state !== undefined) state.unanswered = 0;
  }
}
