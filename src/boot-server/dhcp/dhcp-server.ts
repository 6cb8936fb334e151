import { formatMac } from "../net/address.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import { BootPartBuilder } from "./boot-part.js";
import { checkForConflictingServers } from "./conflicting-servers.js";
import { type DhcpDecision, decide } from "./dhcp-decision.js";
import { addressReply, informReply, nakReply, replyDestination } from "./dhcp-reply.js";
import { type DhcpRequest, readDhcpRequest } from "./dhcp-request.js";
import type { DhcpSettings } from "./dhcp-settings.js";
import { AddressAllocator, type OfferedAddress } from "./leases/address-allocator.js";
import { ConflictDetector } from "./leases/conflict-detection.js";
import { type Lease, LeasePool } from "./leases/lease-pool.js";
import { LeaseStore } from "./leases/lease-store.js";
import type { DhcpMessage } from "./message.js";
import { noReply } from "./no-reply.js";
import { OfferAddresses } from "./offer-addresses.js";
import type { PacketInfo } from "./packet-info.js";
import { decideProxyReply } from "./proxy-reply.js";
import type { ProxyDhcpServerOptions } from "./proxy-server.js";
import { DhcpSockets } from "./sockets.js";

/** A new lease, as opposed to a renewed one. */
interface GrantedLease {
  readonly mac: string;
  readonly address: string;
  readonly hostname: string | undefined;
  /** Why the machine got no boot file although it asked for one. */
  readonly refusal: string | undefined;
}

export interface DhcpServerOptions
  extends Omit<ProxyDhcpServerOptions, "addresses" | "offerAddresses"> {
  readonly settings: DhcpSettings;
  onLease(lease: GrantedLease): void;
  onWarning(text: string): void;
}

/**
 * Gives addresses and says what to boot, in a network without a DHCP server (RFC 2131). This class
 * connects the steps: `readDhcpRequest` and `decide` are pure, AddressAllocator probes, LeaseStore
 * records, and BootPartBuilder and dhcp-reply build the reply.
 */
export class DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #pool: LeasePool;
  readonly #detector: ConflictDetector;
  readonly #allocator: AddressAllocator;
  readonly #leases: LeaseStore;
  readonly #bootParts: BootPartBuilder;
  readonly #sockets: DhcpSockets;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    const { network, range, excluded, leaseSeconds, leasesPath } = options.settings;
    const leaseMs = leaseSeconds * 1000;
    this.#pool = new LeasePool({ range, excluded, leaseMs, now: Date.now });
    this.#detector = new ConflictDetector(network);
    this.#allocator = new AddressAllocator(this.#pool, this.#detector, options.onWarning);
    this.#leases = new LeaseStore(leasesPath);
    this.#bootParts = new BootPartBuilder(network.address, options);
    this.#sockets = new DhcpSockets({
      addresses: [network],
      offerAddresses: new OfferAddresses([network]),
      // This is the only DHCP server of the address, whatever serves other addresses of this machine.
      sharesPort: false,
      onMessage: (message, [packet]) => {
        if (packet !== undefined) void this.#answer(message, packet);
      },
      onRefused: options.onRefused,
    });
  }

  /**
   * Looks for other servers, which takes some seconds, and reads the leases of earlier runs.
   * @throws NetbootError DHCP_SERVER_PRESENT, LEASES_UNUSABLE; the error of bind
   */
  async prepare(): Promise<void> {
    const { settings, onWarning } = this.#options;
    const { network, allowOtherServers, discoveryTimeoutMs: timeoutMs } = settings;
    await this.#leases.lock();
    const check = { allowOtherServers, timeoutMs };
    for (const { what, hint } of await checkForConflictingServers(network, check)) {
      onWarning(`${what}. ${hint}`);
    }
    await this.#leases.load(this.#pool);
  }

  /**
   * @param inherited sockets from systemd, used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen(inherited = noInheritedSockets): Promise<void> {
    await this.#detector.open();
    await this.#sockets.listen(inherited);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    this.#detector.close();
    await this.#leases.close();
  }

  async #answer(message: DhcpMessage, packet: PacketInfo): Promise<void> {
    if (packet.port === 4011) return this.#answerOnPxePort(message, packet);
    const request = readDhcpRequest(message, this.#options.settings.network);
    if (request.kind === "no-reply") return this.#options.onDecision(request, message);
    const decision = decide(request, this.#pool, this.#options.settings);
    const reply = await this.#carryOut(decision, request);
    if (reply === undefined) return;
    this.#sockets.send(packet, reply, replyDestination(message, decision.kind === "nak"));
  }

  /** Also answer on port 4011, where some firmware asks again. */
  async #answerOnPxePort(message: DhcpMessage, packet: PacketInfo): Promise<void> {
    const decision = await decideProxyReply(message, packet, this.#options);
    if (decision.kind === "reply") this.#sockets.send(packet, decision.message, decision.to);
    this.#options.onDecision(decision, message);
  }

  /** @returns the message to send, if any */
  async #carryOut(decision: DhcpDecision, request: DhcpRequest): Promise<DhcpMessage | undefined> {
    const { message } = request;
    const { settings, onDecision } = this.#options;
    switch (decision.kind) {
      case "offer":
        return this.#offer(decision, request);
      case "ack":
        return this.#acknowledge(decision, message);
      case "inform":
        return informReply(message, settings, (await this.#bootParts.forInform(message)).fields);
      case "nak":
        onDecision(noReply(decision.reason, true), message);
        return nakReply(message, settings.network.address, decision.reason);
      case "released":
        await this.#record(decision.lease);
        return undefined;
      case "no-reply":
        onDecision(decision, message);
        return undefined;
    }
  }

  async #offer(first: OfferedAddress, request: DhcpRequest): Promise<DhcpMessage | undefined> {
    const { message, client, hostname, address: preferred } = request;
    const { settings, onDecision } = this.#options;
    const mac = formatMac(message.hardwareAddress);
    const address = await this.#allocator.allocate(first, { client, mac, preferred });
    if (address === undefined) {
      onDecision(noReply("no address of the range is free", true), message);
      return undefined;
    }
    const { fields, offered } = await this.#bootParts.forOffer(message);
    const reply = addressReply(message, "offer", { address, hostname }, settings, fields);
    if (offered !== undefined) {
      const to = replyDestination(message, false);
      onDecision({ kind: "reply", ...offered, message: reply, to }, message);
    }
    return reply;
  }

  async #acknowledge(
    { lease, isRenewed }: { readonly lease: Lease; readonly isRenewed: boolean },
    message: DhcpMessage,
  ): Promise<DhcpMessage | undefined> {
    // Record the lease before the client hears of it: a restart must not forget a promised address.
    if (!(await this.#record(lease))) return undefined;
    const { fields, refusal } = await this.#bootParts.forAcknowledgement(message);
    if (!isRenewed) {
      const { address, hostname } = lease;
      const mac = formatMac(message.hardwareAddress);
      this.#options.onLease({ mac, address, hostname, refusal });
    }
    return addressReply(message, "ack", lease, this.#options.settings, fields);
  }

  async #record(lease: Lease): Promise<boolean> {
    try {
      await this.#leases.record(lease);
      return true;
    } catch (error) {
      this.#options.onWarning(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}
