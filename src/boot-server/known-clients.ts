import { readFileSync } from "node:fs";

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

/** From the ARP table: proc(5), /proc/net/arp. */
function neighbour(address: string): string | undefined {
  try {
    for (const line of readFileSync("/proc/net/arp", "latin1").split("\n").slice(1)) {
      const [ip, , , mac] = line.split(/\s+/);
      if (ip === address && mac !== "00:00:00:00:00:00") return mac;
    }
  } catch {
    // Other systems have none.
  }
  return undefined;
}
