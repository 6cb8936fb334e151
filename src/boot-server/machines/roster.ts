import { readArpTable } from "../arp-table.js";
import type { Machine } from "./machine.js";

/** Machines that are remembered; the one heard of longest ago is forgotten first. */
const mostMachines = 10_000;

/** What machines said of themselves, each time a little more. */
export class Roster {
  readonly #machines = new Map<string, Machine>();
  readonly #macs = new Map<string, string>();

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
    };
    remember(this.#machines, said.mac, machine);
    if (said.ip !== undefined) remember(this.#macs, said.ip, said.mac);
    return machine;
  }

  get(mac: string): Machine {
    return this.#machines.get(mac) ?? { mac };
  }

  /** The machine with an address, by what it said or by what the kernel found out. */
  at(ip: string): Machine | undefined {
    const mac = this.#macs.get(ip) ?? neighbour(ip);
    return mac === undefined ? undefined : this.get(mac);
  }

  /** False where the kernel knows that another machine has the address. */
  isPlausible({ mac, ip }: Machine): boolean {
    const actual = ip === undefined ? undefined : neighbour(ip);
    return actual === undefined || actual === mac;
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > mostMachines) map.delete(map.keys().next().value!);
}

/** The hardware address on this machine's own wire. */
function neighbour(address: string): string | undefined {
  return readArpTable().find((entry) => entry.address === address && entry.isComplete)?.mac;
}
