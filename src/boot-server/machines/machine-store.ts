import { LruMap } from "../../support/index.js";
import { type ArpEntry, readArpTable } from "../net/arp-table.js";
import type { Machine } from "./machine.js";

/** Machines that are remembered; the one heard of longest ago is forgotten first. */
const mostMachines = 10_000;
/** Milliseconds that an address is taken to be whose it was. */
const neighboursGoodFor = 250;

/** What machines said of themselves, each time a little more. */
export class MachineStore {
  readonly #machines = new LruMap<string, Machine>(mostMachines);
  readonly #macs = new LruMap<string, string>(mostMachines);
  #neighbours: ReadonlyMap<string, string> = new Map();
  #neighboursReadAt = Number.NEGATIVE_INFINITY;
  readonly #readTable: () => readonly ArpEntry[];

  /** @param readTable the kernel's table of neighbours, as it is now */
  constructor(readTable: () => readonly ArpEntry[] = readArpTable) {
    this.#readTable = readTable;
  }

  /** Adds what a machine says to what it said before. */
  learn(said: Machine): Machine {
    const known = this.#machines.get(said.mac);
    const machine: Machine = {
      mac: said.mac,
      uuid: said.uuid ?? known?.uuid,
      serial: said.serial ?? known?.serial,
      architecture: said.architecture ?? known?.architecture,
      ip: said.ip ?? known?.ip,
      hostname: said.hostname ?? known?.hostname,
      hasSaidAll: said.hasSaidAll ?? known?.hasSaidAll,
    };
    this.#machines.put(said.mac, machine);
    if (said.ip !== undefined) this.#macs.put(said.ip, said.mac);
    return machine;
  }

  /** Adds what is known from an earlier run: what a machine said in this one is newer. */
  recall(said: Machine): Machine {
    const known = this.#machines.get(said.mac);
    return known?.hasSaidAll === true ? known : this.learn(said);
  }

  get(mac: string): Machine {
    return this.#machines.get(mac) ?? { mac };
  }

  /** The machine with an address, by what the kernel found out or by what it said. */
  at(ip: string): Machine | undefined {
    const mac = this.ownerOf(ip) ?? this.#macs.get(ip);
    return mac === undefined ? undefined : this.get(mac);
  }

  /**
   * The hardware address that the kernel found out: undefined but on this machine's own wire. That
   * somebody is not there is never taken from memory: it would spare a newcomer all questions.
   * @param isSecret true where a secret depends on it: then the table is always read
   * @throws where it depends, and the table cannot be read: nobody is believed then
   */
  ownerOf(ip: string, { isSecret = false } = {}): string | undefined {
    const isOld = performance.now() - this.#neighboursReadAt > neighboursGoodFor;
    if (isSecret || isOld || !this.#neighbours.has(ip)) {
      try {
        this.#readNeighbours();
      } catch (error) {
        if (isSecret) throw error;
      }
    }
    return this.#neighbours.get(ip);
  }

  #readNeighbours(): void {
    const complete = this.#readTable().filter(({ isComplete }) => isComplete);
    this.#neighbours = new Map(complete.map(({ address, mac }) => [address, mac]));
    this.#neighboursReadAt = performance.now();
  }
}
