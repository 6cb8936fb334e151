import { formatMac } from "../../net/address.js";
import { declineHoldMs } from "../dhcp-decision.js";
import type { DhcpRequest } from "../dhcp-request.js";
import { type ConflictDetector, doubtfulHoldMs } from "./conflict-detection.js";
import type { LeasePool } from "./lease-pool.js";

/** Addresses that are looked at for one question before it is left without an answer. */
const mostLooks = 8;

/** An address of the pool; `isHeld` where the client had it already. */
export interface OfferedAddress {
  readonly address: string;
  readonly isHeld: boolean;
}

/** Addresses of a pool that nobody uses without having them from it. */
export class AddressAllocator {
  readonly #pool: LeasePool;
  readonly #probe: ConflictDetector;
  readonly #onWarning: (text: string) => void;

  constructor(pool: LeasePool, probe: ConflictDetector, onWarning: (text: string) => void) {
    this.#pool = pool;
    this.#probe = probe;
    this.#onWarning = onWarning;
  }

  /** The address that the pool offers first, or another one where somebody uses that. */
  async find(
    first: OfferedAddress,
    { client, address: wished, request }: DhcpRequest,
  ): Promise<string | undefined> {
    const mac = formatMac(request.hardwareAddress);
    let offer: OfferedAddress | undefined = first;
    for (let looks = 0; offer !== undefined && looks < mostLooks; looks += 1) {
      const { address, isHeld } = offer;
      // A machine that asks again while its address is looked at has it no more than before.
      if (isHeld && !this.#probe.isPending(address)) return address;
      const occupation = await this.#probe.look(address, mac);
      if (occupation === "free") return address;
      this.#pool.setAside(address, occupation === "used" ? declineHoldMs : doubtfulHoldMs);
      if (occupation === "used") {
        this.#onWarning(
          `${address} is in the range, and used by a machine that did not get it here.`,
        );
      }
      offer = this.#pool.offer(client, wished);
    }
    return undefined;
  }
}
