import { LruMap } from "../../support/index.js";
import type { OfferStyle } from "../machines/offer-style.js";
import type { BootClient } from "./boot-client.js";

/** Offers that a machine may leave without an answer before it gets the other style. */
const patience = 3;
/** Milliseconds after which a machine that asks again is taken for one that was started again. */
const memory = 5 * 60 * 1000;
/** Machines that are remembered; the one that asked longest ago is forgotten first. */
const mostMachines = 10_000;

interface Asking {
  style: OfferStyle;
  unanswered: number;
  lastAsked: number;
}

/**
 * Remembers how each machine is told what to boot, and tries the other style with one that keeps
 * asking: some firmware of HP and Supermicro takes only one of the two.
 */
export class OfferStyles {
  readonly #machines = new LruMap<string, Asking>(mostMachines);
  readonly #now: () => number;

  /** @param now milliseconds of a clock that does not go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The style for this offer; to be called once for each. */
  next({ mac }: BootClient): OfferStyle {
    const now = this.#now();
    const known = this.#machines.get(mac);
    const isNew = known === undefined || now - known.lastAsked > memory;
    const asking: Asking = isNew ? { style: "direct", unanswered: 0, lastAsked: now } : known;
    if (asking.unanswered === patience) {
      asking.style = asking.style === "direct" ? "port-4011" : "direct";
      asking.unanswered = 0;
    }
    asking.unanswered += 1;
    asking.lastAsked = now;
    this.#machines.put(mac, asking);
    return asking.style;
  }

  /** The machine fetched what it was offered: its style is right. */
  accepted(mac: string): void {
    const asking = this.#machines.get(mac);
    if (asking !== undefined) asking.unanswered = 0;
  }
}
