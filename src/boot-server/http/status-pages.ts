import type { EventLog } from "../events/event-log.js";
import type { Metrics } from "../events/metrics.js";
import type { BootPolicy } from "../machines/boot-policy.js";
import { normalizeMac } from "../machines/mac-pattern.js";
import { machineFactNames } from "../machines/machine-facts.js";
import type { MachineStore } from "../machines/machine-store.js";
import {
  isoTime,
  type MachineReport,
  type MachineStatus,
  machineStatus,
  publicFactsOf,
  type UnknownMachine,
} from "./machine-status.js";
import type { TextResource } from "./resource.js";
import { statusHeaders, statusHtml } from "./status-html.js";

export interface StatusPagesOptions {
  readonly eventLog: EventLog;
  readonly machineStore: MachineStore;
  readonly policy: BootPolicy;
  readonly metrics: Metrics;
}

/** The status of the machines, for people and for programs. */
export class StatusPages {
  readonly #options: StatusPagesOptions;

  constructor(options: StatusPagesOptions) {
    this.#options = options;
  }

  /** @param isLocal true for a request from this server's own host */
  async find(path: string, isLocal: boolean): Promise<TextResource | undefined> {
    if (path === "/") return this.#html();
    if (path === "/api/machines") return json("machines", { machines: this.#machines() });
    if (path === "/metrics") return this.#metrics();
    const mac = normalizeMac(/^\/api\/machines\/([^/]+)$/.exec(path)?.[1] ?? "");
    return mac === undefined ? undefined : json("machine", this.#report(mac, isLocal));
  }

  /** The most recently heard of come first. */
  #machines(): MachineStatus[] {
    const { eventLog, machineStore } = this.#options;
    return eventLog.sessions
      .map((session) => machineStatus(machineStore.get(session.mac), session))
      .reverse();
  }

  #report(mac: string, isLocal: boolean): MachineReport {
    const { eventLog, machineStore, policy } = this.#options;
    const machine = machineStore.get(mac);
    const session = eventLog.sessionOf(mac);
    const decision = policy.decide(machine);
    const release = decision.kind === "netboot" ? decision.release.name : undefined;
    const unknown: UnknownMachine = { ...publicFactsOf(machine), state: "unheard-of" };
    const allFacts = machineFactNames.map((fact) => [fact, machine[fact]]);
    return {
      ...(session === undefined ? unknown : machineStatus(machine, session)),
      ...(isLocal ? Object.fromEntries(allFacts) : {}),
      decision: { kind: decision.kind, release, reasons: decision.reasons },
      events: (session?.events ?? []).map(({ at, event }) => ({ time: isoTime(at), ...event })),
    };
  }

  #html(): TextResource {
    const text = statusHtml(this.#machines(), new Date());
    return { kind: "text", name: "status page", type: "text/html", text, headers: statusHeaders };
  }

  async #metrics(): Promise<TextResource> {
    const { metrics } = this.#options;
    const type = metrics.contentType.replace(/; charset=utf-8/, "");
    return { kind: "text", name: "metrics", type, text: await metrics.text() };
  }
}

function json(name: string, value: unknown): TextResource {
  return { kind: "text", name, type: "application/json", text: `${JSON.stringify(value)}\n` };
}
