import type { Socket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { type ArpEntry, readArpTable } from "../../net/arp-table.js";
import type { ServedAddress } from "../../net/interfaces.js";
import { bindUdp } from "../../net/udp-socket.js";

/** The discard port (RFC 863): the receiver ignores the datagram. */
const discardPort = 9;
/** When to read the ARP table: a machine on the same network answers within the first interval. */
const checkIntervalsMs = [100, 300];

/**
 * Whether another machine uses an address.
 * - `used`: a machine has just said so
 * - `doubtful`: a machine said so some time ago; the kernel verifies that within a minute
 */
export type AddressUse = "free" | "used" | "doubtful";

/**
 * How long to withhold a doubtful address before checking it again. The kernel verifies an old entry
 * 5 s after it used the entry, with three requests a second apart, and trusts an entry for 45 s.
 */
export const doubtfulHoldMs = 10_000;

/**
 * Finds out whether an address is in use before the server gives it away (RFC 2131, section 2.2; RFC
 * 5227). Sending any datagram to an address makes the kernel resolve it by ARP, and the answer shows
 * up in the ARP table. This needs neither raw sockets nor privileges, and also finds machines that
 * drop pings.
 */
export class ConflictDetector {
  readonly #network: ServedAddress;
  #socket: Socket | undefined;
  /** Probes in progress: a machine that asks again meanwhile waits for the same result. */
  readonly #pending = new Map<string, Promise<AddressUse>>();

  /** @param network the network whose interface sends the probes */
  constructor(network: ServedAddress) {
    this.#network = network;
  }

  async open(): Promise<void> {
    this.#socket = await bindUdp(this.#network.address, 0);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** True while a probe of this address is in progress. */
  isPending(address: string): boolean {
    return this.#pending.has(address);
  }

  /** @param mac the machine that is to get the address, and may still use it */
  probe(address: string, mac: string): Promise<AddressUse> {
    const pending = this.#pending.get(address);
    if (pending !== undefined) return pending;
    const probe = this.#probe(address, mac).finally(() => this.#pending.delete(address));
    this.#pending.set(address, probe);
    return probe;
  }

  async #probe(address: string, mac: string): Promise<AddressUse> {
    const before = this.#findEntry(address);
    // The kernel may refuse to send to an unreachable address: then no machine here uses it.
    this.#socket?.send(Buffer.alloc(0), discardPort, address, () => {});
    for (const intervalMs of checkIntervalsMs) {
      await delay(intervalMs);
      const use = classifyAddressUse(before, this.#findEntry(address), mac);
      if (use !== "free") return use;
    }
    return "free";
  }

  #findEntry(address: string): ArpEntry | undefined {
    const matches = (entry: ArpEntry) =>
      entry.address === address && entry.interface === this.#network.interface;
    try {
      return readArpTable().find(matches);
    } catch {
      // Clients probe an address as well before they use it (RFC 2131, section 4.4.1).
      return undefined;
    }
  }
}

/**
 * Compares the ARP entries of an address from before and after the kernel was made to resolve it. An
 * unchanged entry does not prove that the machine is still there: the kernel keeps entries for
 * minutes, and uses an old entry while it verifies it. A changed or new entry is proof.
 */
export function classifyAddressUse(
  before: ArpEntry | undefined,
  after: ArpEntry | undefined,
  mac: string,
): AddressUse {
  if (after === undefined || !after.isComplete || after.mac === mac) return "free";
  return before?.isComplete && before.mac === after.mac ? "doubtful" : "used";
}
