import { LruMap } from "../../support/index.js";
import { type ArpEntry, readArpTable } from "../net/arp-table.js";
import type { Machine } from "./machine.js";
import { machineFactNames } from "./machine-facts.js";

/** The machine that was silent for longest is forgotten first. */
const maxMachines = 10_000;
const neighborsTtlMs = 250;

/** Facts that machines have reported about themselves. */
export class MachineStore {
  readonly #machines = new LruMap<string, Machine>(maxMachines);
  readonly #macs = new LruMap<string, string>(maxMachines);
  /** MAC addresses by IP address. */
  #neighbors: ReadonlyMap<string, string> = new Map();
  #neighborsReadAt = Number.NEGATIVE_INFINITY;
  readonly #readTable: () => readonly ArpEntry[];

  /** @param readTable reads the kernel's neighbor table */
  constructor(readTable: () => readonly ArpEntry[] = readArpTable) {
    this.#readTable = readTable;
  }

  /** Adds facts to those that are known about a machine. New values replace old ones. */
  learn(reported: Machine): Machine {
    const { mac } = reported;
    const known = this.#machines.get(mac);
    const facts = machineFactNames.map((fact) => [fact, reported[fact] ?? known?.[fact]]);
    const isFullyKnown = reported.isFullyKnown ?? known?.isFullyKnown;
    const machine: Machine = { ...Object.fromEntries(facts), mac, isFullyKnown };
    this.#machines.put(mac, machine);
    if (reported.ip !== undefined) this.#macs.put(reported.ip, mac);
    return machine;
  }

  /** Adds facts from an earlier run, unless the machine has reported everything in this one. */
  recall(reported: Machine): Machine {
    const known = this.#machines.get(reported.mac);
    return known?.isFullyKnown === true ? known : this.learn(reported);
  }

  get(mac: string): Machine {
    return this.#machines.get(mac) ?? { mac };
  }

  /** The machine with an IP address, according to the kernel or to the machine itself. */
  at(ip: string): Machine | undefined {
    const mac = this.ownerOf(ip) ?? this.#macs.get(ip);
    return mac === undefined ? undefined : this.get(mac);
  }

  /**
   * The MAC address that the kernel found for an IP address; undefined outside this host's network
   * segments. The absence of an address is never cached: it would exempt a new machine from all
   * checks.
   * @param isSecret true if a secret depends on the result: then the table is always read
   * @throws if a secret depends on it and the table cannot be read: then no machine is trusted
   */
  ownerOf(ip: string, { isSecret = false } = {}): string | undefined {
    const isOld = performance.now() - this.#neighborsReadAt > neighborsTtlMs;
    if (isSecret || isOld || !this.#neighbors.has(ip)) {
      try {
        this.#readNeighbors();
      } catch (error) {
        if (isSecret) throw error;
      }
    }
    return this.#neighbors.get(ip);
  }

  #readNeighbors(): void {
    const complete = this.#readTable().filter(({ isComplete }) => isComplete);
    this.#neighbors = new Map(complete.map(({ address, mac }) => [address, mac]));
    this.#neighborsReadAt = performance.now();
  }
}
