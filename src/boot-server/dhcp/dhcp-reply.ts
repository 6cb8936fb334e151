import { ipv4Bytes, ipv4FromNumber } from "../net/address.js";
import { networkBounds, type ServedAddress } from "../net/interfaces.js";
import type { Endpoint } from "../net/udp-socket.js";
import type { DhcpMessage } from "./message.js";
import { messageType, optionCode } from "./option-codes.js";
import { allClients } from "./packet-info.js";
import { type BootFields, type OptionEntry, replyTo } from "./pxe-fields.js";

const none = "0.0.0.0";
const broadcastFlag = 0x8000;

/** The parameters that clients get with their address. */
export interface NetworkSettings {
  readonly network: ServedAddress;
  readonly leaseSeconds: number;
  readonly router: string | undefined;
  readonly dns: readonly string[];
}

/** Builds an OFFER or ACK with an address (RFC 2131, table 3) and what to boot. */
export function addressReply(
  request: DhcpMessage,
  type: "offer" | "ack",
  { address, hostname }: { readonly address: string; readonly hostname: string | undefined },
  settings: NetworkSettings,
  { options, ...fields }: BootFields,
): DhcpMessage {
  const { leaseSeconds, network } = settings;
  const message = replyTo(request, network.address, messageType[type], [
    [optionCode.leaseTime, secondsValue(leaseSeconds)],
    // T1 and T2 are 1/2 and 7/8 of the lease time (section 4.4.5).
    [optionCode.renewalTime, secondsValue(Math.floor(leaseSeconds / 2))],
    [optionCode.rebindingTime, secondsValue(Math.floor((leaseSeconds * 7) / 8))],
    ...networkOptions(settings),
    ...hostNameOption(hostname),
    ...identifierOption(request),
    ...options,
  ]);
  const clientAddress = type === "offer" ? none : request.clientAddress;
  return { ...message, ...fields, clientAddress, yourAddress: address };
}

/** Builds the ACK to an INFORM: without an address and without times (section 4.3.5). */
export function informReply(
  request: DhcpMessage,
  settings: NetworkSettings,
  { options, ...fields }: BootFields,
): DhcpMessage {
  const own = [...networkOptions(settings), ...identifierOption(request), ...options];
  return { ...replyTo(request, settings.network.address, messageType.ack, own), ...fields };
}

/**
 * Builds a NAK.
 * @param reason for people who watch the network; clients may display it (RFC 2132, section 9.9)
 */
export function nakReply(request: DhcpMessage, server: string, reason: string): DhcpMessage {
  const options: OptionEntry[] = [
    [optionCode.message, Buffer.from(reason)],
    ...identifierOption(request),
  ];
  const message = replyTo(request, server, messageType.nak, options);
  // Table 3 and section 4.3.2: the relay must broadcast it, because the client's address is wrong.
  const flags = request.relayAddress === none ? request.flags : request.flags | broadcastFlag;
  return { ...message, clientAddress: none, flags };
}

/**
 * The destination of a reply (section 4.1). A client without an address gets a broadcast even if it
 * accepts a unicast reply to its future address: it does not answer ARP for that address yet, so a
 * unicast reply would need raw sockets.
 */
export function replyDestination(request: DhcpMessage, isNak: boolean): Endpoint {
  const { relayAddress, clientAddress } = request;
  if (relayAddress !== none) return { address: relayAddress, port: 67 };
  if (clientAddress !== none && !isNak) return { address: clientAddress, port: 68 };
  return allClients;
}

function networkOptions({ network, router, dns }: NetworkSettings): OptionEntry[] {
  const [, broadcast] = networkBounds(network);
  const options: OptionEntry[] = [
    [optionCode.subnetMask, ipv4Bytes(network.netmask)],
    [optionCode.broadcastAddress, ipv4Bytes(ipv4FromNumber(broadcast))],
  ];
  if (router !== undefined) options.push([optionCode.router, ipv4Bytes(router)]);
  if (dns.length > 0)
    options.push([optionCode.domainNameServer, Buffer.concat(dns.map(ipv4Bytes))]);
  return options;
}

function hostNameOption(hostname: string | undefined): OptionEntry[] {
  return hostname === undefined ? [] : [[optionCode.hostName, Buffer.from(hostname)]];
}

/** The server echoes the client identifier (RFC 6842). */
function identifierOption({ options }: DhcpMessage): OptionEntry[] {
  const identifier = options.get(optionCode.clientIdentifier);
  return identifier === undefined ? [] : [[optionCode.clientIdentifier, identifier]];
}

function secondsValue(count: number): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(count);
  return value;
}
