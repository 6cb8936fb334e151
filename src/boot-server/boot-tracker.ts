import type { DhcpMessage } from "./dhcp/message.js";
import type { OfferStyles } from "./dhcp/offer-styles.js";
import type { ProxyDecision } from "./dhcp/proxy-reply.js";
import type { EventLog } from "./events/event-log.js";
import type { MachineEvent } from "./events/events.js";
import type { FileRole } from "./files/served-file.js";
import type { HttpTransfer } from "./http/http-server.js";
import { type BootPolicy, type Decision, rolesToFetch } from "./machines/boot-policy.js";
import type { Machine } from "./machines/machine.js";
import type { MachineStore } from "./machines/machine-store.js";
import { formatMac } from "./net/address.js";
import type { BootedMachines } from "./state/booted-machines.js";

export interface BootTrackerOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly styles: OfferStyles;
  readonly booted: BootedMachines;
  /** Of the boot API; undefined without one. */
  readonly apiUrl: string | undefined;
  /** Asked when something has happened: it is made later than this. */
  eventLog(): EventLog;
  onWarning(text: string): void;
}

/** Makes events of what machines were told, and remembers what follows from it. */
export class BootTracker {
  readonly #options: BootTrackerOptions;

  constructor(options: BootTrackerOptions) {
    this.#options = options;
  }

  /** DHCP answered, or was silent. */
  answered(answer: ProxyDecision, request: DhcpMessage): void {
    this.#options.eventLog().addLater(() => this.#eventOf(answer, request));
  }

  /** A datagram was passed over. */
  datagramRefused(from: string, problem: string): void {
    const reason = `a datagram from ${from} is refused: ${problem}`;
    this.#add({ type: "ignored", mac: undefined, reason, isNotable: false });
  }

  /** A machine fetches what it was offered: the style of its offers is right. */
  accepted(mac: string | undefined): void {
    if (mac !== undefined) this.#options.styles.accepted(mac);
  }

  /** @param awaited what it is to fetch then */
  scriptGiven({ mac }: Machine, decision: Decision, awaited: readonly FileRole[]): void {
    this.accepted(mac);
    const { kind, reasons } = decision;
    if (kind === "local") {
      this.#add({ type: "sent-to-disk", mac, reasons });
      return;
    }
    const said = kind === "api" ? `what ${this.#options.apiUrl} says` : undefined;
    const release = kind === "netboot" ? decision.release.name : said;
    if (release !== undefined) this.#options.eventLog().expect(mac, awaited);
    this.#add({ type: "script", mac, release, reasons });
  }

  /** An answer by HTTP begins. */
  fetchStarted({ mac, client, role, name, isHead }: HttpTransfer): void {
    if (isHead || role === undefined) return;
    if (mac !== undefined) this.#fetches(mac, role);
    if (role === "boot-program")
      this.#startsProgram(this.#options.machineStore.at(client)?.mac, name);
  }

  /** A boot program is sent by TFTP. */
  programStarted(machine: Machine | undefined, name: string): void {
    this.accepted(machine?.mac);
    this.#startsProgram(machine?.mac, name.replace(/^\//, ""));
  }

  /** A machine said that it is another one. */
  impostor(mac: string, said: string): void {
    const reason = `by its address it is ${mac}, and it says that it is ${said}`;
    this.#add({ type: "ignored", mac, reason, isNotable: true });
  }

  /** A machine has all that it needs. */
  hasBooted(mac: string): void {
    const { policy, machineStore, booted, onWarning } = this.#options;
    const decision = policy.decide(machineStore.get(mac), { isUnderWay: true });
    if (!("isOnce" in decision) || !decision.isOnce) return;
    // When it did is kept: files are given for some time after that.
    if (booted.bootedAt(mac) !== undefined) return;
    try {
      booted.add(mac);
    } catch (error) {
      onWarning(`That ${mac} has booted cannot be kept for the next run: ${error}`);
    }
  }

  /**
   * A machine fetches by an address that was made for it. Where nothing is known of its script, as
   * after a restart, it has booted with this file and those that come after it.
   */
  #fetches(mac: string, role: FileRole): void {
    const { policy, machineStore, eventLog } = this.#options;
    const decision = policy.decideFetch(machineStore.get(mac));
    if (decision.kind !== "netboot") return;
    const files = rolesToFetch(decision);
    if (!files.includes(role)) return;
    eventLog().resume(mac, decision.release.name, files.slice(files.indexOf(role)));
  }

  /** A machine fetches a boot program; where that is a UKI, it asks for no script then. */
  #startsProgram(mac: string | undefined, name: string): void {
    const { policy, machineStore, eventLog } = this.#options;
    const decision = mac === undefined ? undefined : policy.decideFetch(machineStore.get(mac));
    if (mac === undefined || decision?.kind !== "netboot") return;
    const { bootProgram } = decision.settings;
    if (bootProgram?.files === undefined || bootProgram.name !== name) return;
    eventLog().resume(mac, decision.release.name, bootProgram.files);
  }

  #add(event: MachineEvent): void {
    this.#options.eventLog().add(event);
  }

  #eventOf(answer: ProxyDecision, request: DhcpMessage): MachineEvent {
    if (answer.kind === "no-reply") {
      const mac = formatMac(request.hardwareAddress);
      const { reason, isNotable } = answer;
      return { type: "ignored", mac, reason, isNotable };
    }
    const { mac, architecture, firmware } = answer.client;
    const { bootFile } = answer;
    if (bootFile !== undefined) return { type: "offered", mac, architecture, firmware, bootFile };
    const { policy, machineStore } = this.#options;
    return { type: "sent-to-disk", mac, reasons: policy.decide(machineStore.get(mac)).reasons };
  }
}
