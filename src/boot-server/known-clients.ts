import { readArpTable } from "./arp-table.js";

/** Clients that are remembered; the one learned of first is forgotten first. */
const mostClients = 10_000;

/** Which machine has which address, as far as that can be known. */
export class KnownClients {
  readonly #macs = new Map<string, string>();

  /** What a machine says of itself. */
  learn(address: string, mac: string): void {
    this.#macs.delete(address);
    this.#macs.set(address, mac);
    if (this.#macs.size > mostClients) this.#macs.delete(this.#macs.keys().next().value!);
  }

  /** What it said, or what the kernel found out where the machine is on one wire with this one. */
  macOf(address: string): string | undefined {
    return this.#macs.get(address) ?? neighbour(address);
  }
}

/** From the ARP table. */
function neighbour(address: string): string | undefined {
  return readArpTable().find((entry) => entry.address === address && entry.isComplete)?.mac;
}
