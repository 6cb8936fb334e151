import type { EventLog } from "../events/event-log.js";
import type { Metrics } from "../events/metrics.js";
import type { BootPolicy } from "../machines/boot-policy.js";
import { normalizeMac } from "../machines/machine.js";
import type { MachineStore } from "../machines/machine-store.js";
import type { Resource } from "./http-server.js";
import {
  type MachineReport,
  type MachineStatus,
  machineStatus,
  seenOf,
  type UnknownMachine,
} from "./machine-status.js";
import { statusPage, statusPageHeaders } from "./status-page.js";

export interface StatusPagesOptions {
  readonly eventLog: EventLog;
  readonly machineStore: MachineStore;
  readonly policy: BootPolicy;
  readonly metrics: Metrics;
}

/** What a person or a program can see of the machines. */
export class StatusPages {
  readonly #options: StatusPagesOptions;

  constructor(options: StatusPagesOptions) {
    this.#options = options;
  }

  /** @param isOwn true for those who ask from this machine */
  async find(path: string, isOwn: boolean): Promise<Resource | undefined> {
    if (path === "/") return this.#page();
    if (path === "/api/machines") return json("machines", { machines: this.#machines() });
    if (path === "/metrics") return this.#metrics();
    const mac = normalizeMac(/^\/api\/machines\/([^/]+)$/.exec(path)?.[1] ?? "");
    return mac === undefined ? undefined : json("machine", this.#machine(mac, isOwn));
  }

  /** Those heard of last come first. */
  #machines(): MachineStatus[] {
    const { eventLog, machineStore } = this.#options;
    return eventLog.sessions.map((one) => machineStatus(machineStore.get(one.mac), one)).reverse();
  }

  /** All that is known of a machine, and what it would get now. */
  #machine(mac: string, isOwn: boolean): MachineReport {
    const { eventLog, machineStore, policy } = this.#options;
    const machine = machineStore.get(mac);
    const session = eventLog.sessionOf(mac);
    const decision = policy.decide(machine);
    const release = decision.kind === "netboot" ? decision.release.name : undefined;
    const unheardOf: UnknownMachine = { ...seenOf(machine), state: "unheard-of" };
    const { serial, uuid } = machine;
    return {
      ...(session === undefined ? unheardOf : machineStatus(machine, session)),
      ...(isOwn ? { serial, uuid } : {}),
      decision: { kind: decision.kind, release, reasons: decision.reasons },
      events: (session?.events ?? []).map(({ at, event }) => ({
        time: new Date(at).toISOString(),
        ...event,
      })),
    };
  }

  #page(): Resource {
    const text = statusPage(this.#machines(), new Date());
    return {
      kind: "text",
      name: "status page",
      type: "text/html",
      text,
      headers: statusPageHeaders,
    };
  }

  async #metrics(): Promise<Resource> {
    const { metrics } = this.#options;
    const type = metrics.contentType.replace(/; charset=utf-8/, "");
    return { kind: "text", name: "metrics", type, text: await metrics.text() };
  }
}

function json(name: string, value: unknown): Resource {
  return { kind: "text", name, type: "application/json", text: `${JSON.stringify(value)}\n` };
}
