import type { DhcpMessage } from "./dhcp/message.js";
import type { OfferStyles } from "./dhcp/offer-styles.js";
import { describeOption, optionCode } from "./dhcp/option-codes.js";
import type { ProxyDecision } from "./dhcp/proxy-reply.js";
import type { EventLog } from "./events/event-log.js";
import type { MachineEvent, ServeEvent } from "./events/events.js";
import type { FileRole } from "./files/served-file.js";
import type { HttpTransfer } from "./http/http-transfer.js";
import { type BootPolicy, type Decision, rolesToFetch } from "./machines/boot-policy.js";
import type { Machine } from "./machines/machine.js";
import type { MachineStore } from "./machines/machine-store.js";
import { formatMac } from "./net/address.js";
import { requestedProgramName } from "./releases/boot-programs.js";
import type { BootedMachines } from "./state/booted-machines.js";

export interface BootTrackerOptions {
  readonly policy: BootPolicy;
  readonly machineStore: MachineStore;
  readonly eventLog: EventLog;
  readonly styles: OfferStyles;
  readonly booted: BootedMachines;
  /** URL of the boot API; undefined if none is configured. */
  readonly apiUrl: string | undefined;
  onWarning(text: string): void;
}

/** Turns what machines are told into events, and records what follows from it. */
export class BootTracker {
  readonly #options: BootTrackerOptions;

  constructor(options: BootTrackerOptions) {
    this.#options = options;
  }

  /** A DHCP request was answered, or not. */
  dhcpAnswered(answer: ProxyDecision, request: DhcpMessage): void {
    this.#options.eventLog.addLater(() => this.#dhcpEvent(answer, request));
  }

  /** A datagram was ignored. */
  datagramRefused(from: string, problem: string): void {
    const reason = `a datagram from ${from} was refused: ${problem}`;
    this.#add({ type: "ignored", mac: undefined, reason, isNotable: false });
  }

  /** @param awaited the files that the machine has to fetch next */
  scriptSent({ mac }: Machine, decision: Decision, awaited: readonly FileRole[]): void {
    this.#offerAccepted(mac);
    const { kind, reasons } = decision;
    if (kind === "local") {
      this.#add({ type: "sent-to-disk", mac, reasons });
      return;
    }
    const apiAnswer =
      kind === "api" ? `the release of the boot API at ${this.#options.apiUrl}` : undefined;
    const release = kind === "netboot" ? decision.release.name : apiAnswer;
    if (release !== undefined) this.#options.eventLog.expect(mac, awaited);
    this.#add({ type: "script", mac, release, reasons });
  }

  /** An answer by HTTP begins. */
  httpStarted({ mac, client, role, name, isHead }: HttpTransfer): void {
    if (isHead || role === undefined) return;
    if (mac !== undefined) this.#fileRequested(mac, role);
    if (role !== "boot-program") return;
    this.#programRequested(this.#options.machineStore.at(client)?.mac, name);
  }

  /** A boot program is being sent by TFTP. */
  tftpStarted(client: string, name: string): void {
    const mac = this.#options.machineStore.at(client)?.mac;
    if (mac !== undefined) this.#offerAccepted(mac);
    this.#programRequested(mac, requestedProgramName(name));
  }

  /** A machine claimed another machine's MAC address. */
  impostorRefused(mac: string, claimedMac: string): void {
    const reason = `its IP address belongs to ${mac}, but it claims to be ${claimedMac}`;
    this.#add({ type: "ignored", mac, reason, isNotable: true });
  }

  /** Records that a machine has booted, if its next boot depends on that. */
  observe(event: ServeEvent): void {
    if (event.type === "booted" && event.mac !== undefined) this.#recordBoot(event.mac);
  }

  /** A machine fetched what it was offered, so the style of its offers works. */
  #offerAccepted(mac: string): void {
    this.#options.styles.accepted(mac);
  }

  #recordBoot(mac: string): void {
    const { policy, machineStore, booted, onWarning } = this.#options;
    const decision = policy.decide(machineStore.get(mac), { isUnderWay: true });
    if (!("isOnce" in decision) || !decision.isOnce) return;
    // The time of the first boot counts: files stay available for a while after it.
    if (booted.bootedAt(mac) !== undefined) return;
    try {
      booted.add(mac);
    } catch (error) {
      onWarning(`The server will forget that ${mac} has booted when it restarts: ${error}`);
    }
  }

  /**
   * A machine fetches a file from a URL that was made for it. If its script is not known, for example
   * after a restart, the machine has booted once it has this file and those that come after it.
   */
  #fileRequested(mac: string, role: FileRole): void {
    const { policy, machineStore, eventLog } = this.#options;
    const decision = policy.decideFetch(machineStore.get(mac));
    if (decision.kind !== "netboot") return;
    const roles = rolesToFetch(decision);
    if (!roles.includes(role)) return;
    eventLog.resume(mac, decision.release.name, roles.slice(roles.indexOf(role)));
  }

  /** A machine fetches a boot program. If that is a UKI, no request for a script follows. */
  #programRequested(mac: string | undefined, name: string): void {
    const { policy, machineStore, eventLog } = this.#options;
    const decision = mac === undefined ? undefined : policy.decideFetch(machineStore.get(mac));
    if (mac === undefined || decision?.kind !== "netboot") return;
    const { bootProgram } = decision.settings;
    if (bootProgram?.files === undefined) return;
    if (bootProgram.name.toLowerCase() !== name.toLowerCase()) return;
    eventLog.resume(mac, decision.release.name, bootProgram.files);
  }

  #add(event: MachineEvent): void {
    this.#options.eventLog.add(event);
  }

  #dhcpEvent(answer: ProxyDecision, request: DhcpMessage): MachineEvent {
    if (answer.kind === "no-reply") {
      const mac = formatMac(request.hardwareAddress);
      const { reason, isNotable } = answer;
      return { type: "ignored", mac, reason, isNotable };
    }
    const { mac, architecture, firmware, hasMalformedIdentifier } = answer.client;
    const { bootFile } = answer;
    if (bootFile !== undefined) {
      const remark = hasMalformedIdentifier
        ? `its ${describeOption(optionCode.clientMachineIdentifier)} is malformed`
        : undefined;
      return { type: "offered", mac, architecture, firmware, bootFile, remark };
    }
    const { policy, machineStore } = this.#options;
    return { type: "sent-to-disk", mac, reasons: policy.decide(machineStore.get(mac)).reasons };
  }
}
