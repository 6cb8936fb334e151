import type { Socket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { type ArpEntry, readArpTable } from "../../net/arp-table.js";
import type { ServedAddress } from "../../net/interfaces.js";
import { bindUdp } from "../../net/udp-socket.js";

/** The port of discard (RFC 863): what comes there is thrown away. */
const discardPort = 9;
/** Milliseconds in which a machine on the same wire answers ARP, after which it is looked twice. */
const looks = [100, 300];

/**
 * Whether somebody uses an address.
 * - `used`: a machine just said that it does
 * - `doubtful`: one did some time ago; the kernel is asking it again, and knows after a minute at most
 */
export type AddressUse = "free" | "used" | "doubtful";

/**
 * Milliseconds after which what is doubtful is looked at again. The kernel asks anew 5 s after it
 * used an old entry, and 3 times a second apart; of one that is younger than 45 s it is sure.
 */
export const doubtfulHoldMs = 10_000;

/**
 * Finds out whether addresses are in use before they are given away (RFC 2131, section 2.2, where
 * it is done by ICMP). Sending any datagram to an address makes the kernel ask by ARP who has it,
 * and what it hears stands in its table: neither raw sockets nor special rights are needed, and
 * machines that drop pings are found as well.
 */
export class ConflictDetector {
  readonly #network: ServedAddress;
  #socket: Socket | undefined;
  /** Looks that are under way: a machine that asks again meanwhile waits for the same. */
  readonly #pending = new Map<string, Promise<AddressUse>>();

  /** @param network of the interface that is asked on */
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

  /** True while this address is looked at. */
  isPending(address: string): boolean {
    return this.#pending.has(address);
  }

  /** @param mac of the machine that is to get the address, and may have it still */
  look(address: string, mac: string): Promise<AddressUse> {
    const pending = this.#pending.get(address);
    if (pending !== undefined) return pending;
    const look = this.#look(address, mac).finally(() => this.#pending.delete(address));
    this.#pending.set(address, look);
    return look;
  }

  async #look(address: string, mac: string): Promise<AddressUse> {
    const before = this.#neighbour(address);
    // The kernel may refuse at once what it cannot reach; then nobody on this wire has it.
    this.#socket?.send(Buffer.alloc(0), discardPort, address, () => {});
    for (const time of looks) {
      await delay(time);
      const occupation = classifyAddressUse(before, this.#neighbour(address), mac);
      if (occupation !== "free") return occupation;
    }
    return "free";
  }

  #neighbour(address: string): ArpEntry | undefined {
    const isOfAddress = (entry: ArpEntry) =>
      entry.address === address && entry.interface === this.#network.interface;
    try {
      return readArpTable().find(isOfAddress);
    } catch {
      // Machines ask before they use an address (RFC 2131, section 4.4.1): this is a second look.
      return undefined;
    }
  }
}

/**
 * What the ARP table says, before and after the kernel was made to ask. An entry of before is no
 * proof that the machine is still there: the kernel keeps them for minutes, and uses an old one
 * while it asks anew. One with another machine's address now than before is.
 */
export function classifyAddressUse(
  before: ArpEntry | undefined,
  after: ArpEntry | undefined,
  mac: string,
): AddressUse {
  if (after === undefined || !after.isComplete || after.mac === mac) return "free";
  return before?.isComplete && before.mac === after.mac ? "doubtful" : "used";
}
