import { LruMap } from "../../support/index.js";
import type { OfferStyle } from "../machines/offer-style.js";
import { formatMac } from "../net/address.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import { type BootClient, readBootClient } from "./boot-client.js";
import { checkForConflictingServers } from "./conflicting-servers.js";
import { type DhcpDecision, decide } from "./dhcp-decision.js";
import { addressReply, destinationOfReply, informReply, nakReply } from "./dhcp-reply.js";
import { type DhcpRequest, readDhcpRequest } from "./dhcp-request.js";
import type { DhcpSettings } from "./dhcp-settings.js";
import { AddressAllocator, type OfferedAddress } from "./leases/address-allocator.js";
import { ConflictDetector } from "./leases/conflict-detection.js";
import { LeaseFile, readLeases } from "./leases/lease-file.js";
import { LeaseLock } from "./leases/lease-lock.js";
import { type Lease, LeasePool } from "./leases/lease-pool.js";
import type { DhcpMessage } from "./message.js";
import {
  type BootReply,
  bootFileFor,
  type PacketInfo,
  readBootRequest,
  replyToBootRequest,
  usesPort4011,
} from "./proxy-reply.js";
import type { ProxyDhcpServerOptions } from "./proxy-server.js";
import {
  type BootFields,
  bootFields,
  bootFromOffer,
  localBootMenu,
  noBootFields,
} from "./pxe-fields.js";
import { DhcpSockets } from "./sockets.js";

/** Machines whose style of offers is remembered. */
const mostMachines = 10_000;

/** A lease that was given to a machine that starts, not one that was made longer. */
export interface GrantedLease {
  readonly mac: string;
  readonly address: string;
  readonly hostname: string | undefined;
  /** Why it got no boot file, where it asked for one. */
  readonly refusal: string | undefined;
}

export interface DhcpServerOptions extends Omit<ProxyDhcpServerOptions, "addresses"> {
  readonly settings: DhcpSettings;
  onLease(lease: GrantedLease): void;
  onWarning(text: string): void;
}

const direct = (): OfferStyle => "direct";

/** What a message says of booting, and what is to be told of it. */
interface Boot {
  readonly fields: BootFields;
  readonly offered?: Pick<BootReply, "client" | "bootFile">;
  readonly refusal?: string;
}

/** Gives addresses, and says what to boot, in a network that has no DHCP server (RFC 2131). */
export class DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #pool: LeasePool;
  readonly #sockets: DhcpSockets;
  readonly #probe: ConflictDetector;
  readonly #free: AddressAllocator;
  /** How each machine was offered what to boot: the acknowledgement says the same. */
  readonly #styles = new LruMap<string, OfferStyle>(mostMachines);
  #leases: LeaseFile | undefined;
  #lock: LeaseLock | undefined;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    const { network, range, excluded, leaseSeconds } = options.settings;
    const leaseTime = leaseSeconds * 1000;
    this.#pool = new LeasePool({ range, excluded, leaseTime, now: Date.now });
    this.#probe = new ConflictDetector(network);
    this.#free = new AddressAllocator(this.#pool, this.#probe, options.onWarning);
    this.#sockets = new DhcpSockets({
      addresses: [network],
      // It is the DHCP server of this address, whatever serves the other ones of this machine.
      isBesideOthers: false,
      onMessage: (request, [arrival]) => void this.#answer(request, arrival!),
      onRefused: options.onRefused,
    });
  }

  /**
   * Looks for other servers, which takes some seconds, and reads the leases of earlier runs.
   * @throws NetbootError DHCP_SERVER_PRESENT, LEASES_UNUSABLE; the error of bind
   */
  async prepare(): Promise<void> {
    const { settings, onWarning } = this.#options;
    const { network, leasesPath, isBesideOthers } = settings;
    this.#lock = await LeaseLock.take(leasesPath);
    for (const text of await checkForConflictingServers(network, isBesideOthers)) onWarning(text);
    for (const lease of await readLeases(leasesPath)) this.#pool.restore(lease);
    this.#leases = await LeaseFile.open(leasesPath, () => this.#pool.leases());
  }

  /**
   * @param inherited sockets that are bound already, which are used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen(inherited = noInheritedSockets): Promise<void> {
    await this.#probe.open();
    await this.#sockets.listen(inherited);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    this.#probe.close();
    await this.#leases?.close();
    await this.#lock?.release();
  }

  async #answer(request: DhcpMessage, arrival: PacketInfo): Promise<void> {
    if (arrival.port === 4011) return this.#answerAtPxePort(request, arrival);
    const question = readDhcpRequest(request, this.#options.settings.network);
    if (question.kind === "no-reply") return this.#options.onAnswer(question, request);
    const decision = decide(question, this.#pool, this.#options.settings);
    const message = await this.#messageFor(decision, question);
    if (message === undefined) return;
    const to = destinationOfReply(request, decision.kind === "nak");
    this.#sockets.send(arrival, message, to);
  }

  /** Firmware that wants to be told there is, though it has been told with its address. */
  async #answerAtPxePort(request: DhcpMessage, arrival: PacketInfo): Promise<void> {
    const { choose, styleFor, onAnswer } = this.#options;
    const question = readBootRequest(request, arrival);
    if (question.kind === "no-reply") return onAnswer(question, request);
    const choice = await choose(question.client, arrival.server);
    const answer = replyToBootRequest(question, choice, styleFor);
    if (answer.kind === "reply") this.#sockets.send(arrival, answer.message, answer.to);
    onAnswer(answer, request);
  }

  async #messageFor(
    decision: DhcpDecision,
    question: DhcpRequest,
  ): Promise<DhcpMessage | undefined> {
    const { request } = question;
    const { settings } = this.#options;
    switch (decision.kind) {
      case "offer":
        return this.#offer(decision, question);
      case "ack":
        return this.#acknowledgement(decision, request);
      case "inform":
        return informReply(request, settings, (await this.#bootFor(request, direct)).fields);
      case "nak":
        this.#ignored(request, decision.reason, true);
        return nakReply(request, settings.network.address, decision.reason);
      case "released":
        await this.#keep(decision.lease);
        return undefined;
      case "no-reply":
        this.#options.onAnswer(decision, request);
        return undefined;
    }
  }

  async #offer(first: OfferedAddress, question: DhcpRequest): Promise<DhcpMessage | undefined> {
    const { request, hostname } = question;
    const address = await this.#free.find(first, question);
    if (address === undefined) {
      this.#ignored(request, "no address of the range is free", true);
      return undefined;
    }
    const { fields, offered } = await this.#bootFor(request, (client) => this.#nextStyle(client));
    const { settings } = this.#options;
    const message = addressReply(request, "offer", { address, hostname }, settings, fields);
    const to = destinationOfReply(request, false);
    if (offered !== undefined) {
      this.#options.onAnswer({ kind: "reply", ...offered, message, to }, request);
    }
    return message;
  }

  async #acknowledgement(
    { lease, isRenewed }: { readonly lease: Lease; readonly isRenewed: boolean },
    request: DhcpMessage,
  ): Promise<DhcpMessage | undefined> {
    // Before the client hears of it: no restart shall make this server forget what it promised.
    if (!(await this.#keep(lease))) return undefined;
    const lastStyle = ({ mac }: BootClient) => this.#styles.get(mac) ?? "direct";
    const { fields, refusal } = await this.#bootFor(request, lastStyle);
    if (!isRenewed) {
      const { address, hostname } = lease;
      const mac = formatMac(request.hardwareAddress);
      this.#options.onLease({ mac, address, hostname, refusal });
    }
    return addressReply(request, "ack", lease, this.#options.settings, fields);
  }

  async #keep(lease: Lease): Promise<boolean> {
    try {
      await this.#leases!.append(lease);
      return true;
    } catch (error) {
      this.#options.onWarning((error as Error).message);
      return false;
    }
  }

  #nextStyle(client: BootClient): OfferStyle {
    const style = this.#options.styleFor(client);
    this.#styles.put(client.mac, style);
    return style;
  }

  /** A machine that asks in vain what to boot, or does not ask, gets an address all the same. */
  async #bootFor(
    request: DhcpMessage,
    styleFor: (client: BootClient) => OfferStyle,
  ): Promise<Boot> {
    const client = readBootClient(request);
    if (!("mac" in client)) {
      return { fields: noBootFields, ...(client.isNotable ? { refusal: client.reason } : {}) };
    }
    const server = this.#options.settings.network.address;
    const choice = await this.#options.choose(client, server);
    if ("refusal" in choice) return { fields: noBootFields, refusal: choice.refusal };
    const offered = { client, bootFile: "disk" in choice ? undefined : choice.bootFile };
    if (usesPort4011(client, choice, styleFor)) {
      const nothing = { bootFile: undefined, vendorSpecific: [] };
      return { fields: bootFields({ client, request, server, ...nothing }), offered };
    }
    const bootFile = bootFileFor(choice, client);
    const vendorSpecific = ["disk" in choice ? localBootMenu : bootFromOffer];
    return { fields: bootFields({ client, request, server, bootFile, vendorSpecific }), offered };
  }

  #ignored(request: DhcpMessage, reason: string, isNotable: boolean): void {
    this.#options.onAnswer({ kind: "no-reply", reason, isNotable }, request);
  }
}
