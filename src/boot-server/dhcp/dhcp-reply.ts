import { ipv4Bytes, ipv4FromNumber } from "../net/address.js";
import { networkBounds, type ServedAddress } from "../net/interfaces.js";
import type { DhcpMessage } from "./message.js";
import { messageType, option } from "./option-codes.js";
import { type BootFields, replyTo } from "./pxe-fields.js";

const none = "0.0.0.0";
const broadcastFlag = 0x8000;

/** What clients are told beside their address. */
export interface NetworkSettings {
  readonly network: ServedAddress;
  /** Seconds. */
  readonly leaseSeconds: number;
  readonly router: string | undefined;
  readonly dns: readonly string[];
}

type Options = [code: number, value: Buffer][];

/** An OFFER or ACK of an address (RFC 2131, table 3), and what to boot. */
export function addressReply(
  request: DhcpMessage,
  type: "offer" | "ack",
  { address, hostname }: { readonly address: string; readonly hostname: string | undefined },
  settings: NetworkSettings,
  { options, ...fields }: BootFields,
): DhcpMessage {
  const { leaseSeconds, network } = settings;
  const message = replyTo(request, network.address, messageType[type], [
    [option.leaseTime, seconds(leaseSeconds)],
    // Half and seven eighths of the time (section 4.4.5).
    [option.renewalTime, seconds(Math.floor(leaseSeconds / 2))],
    [option.rebindingTime, seconds(Math.floor((leaseSeconds * 7) / 8))],
    ...networkOptions(settings),
    ...(hostname === undefined ? [] : ([[option.hostName, Buffer.from(hostname)]] as Options)),
    ...identifierOf(request),
    ...options,
  ]);
  const clientAddress = type === "offer" ? none : request.clientAddress;
  return { ...message, ...fields, clientAddress, yourAddress: address };
}

/** An ACK to an INFORM: no address and no times (section 4.3.5). */
export function informReply(
  request: DhcpMessage,
  settings: NetworkSettings,
  { options, ...fields }: BootFields,
): DhcpMessage {
  const own = [...networkOptions(settings), ...identifierOf(request), ...options];
  return { ...replyTo(request, settings.network.address, messageType.ack, own), ...fields };
}

/** @param reason for people who watch the network; clients show it at most (RFC 2132, 9.9) */
export function nakReply(request: DhcpMessage, server: string, reason: string): DhcpMessage {
  const options: Options = [[option.message, Buffer.from(reason)], ...identifierOf(request)];
  const message = replyTo(request, server, messageType.nak, options);
  // Table 3; and section 4.3.2: the relay shall broadcast it, as the client's address is wrong.
  const flags = request.relayAddress === none ? request.flags : request.flags | broadcastFlag;
  return { ...message, clientAddress: none, flags };
}

/**
 * Where an answer goes (section 4.1). A client that has no address yet is answered by broadcast,
 * also where it would take a datagram to the address it is to get: it does not answer ARP for that
 * one yet, and only with raw sockets could it be sent there.
 */
export function destinationOfReply(
  request: DhcpMessage,
  isNak: boolean,
): { address: string; port: number } {
  const { relayAddress, clientAddress } = request;
  if (relayAddress !== none) return { address: relayAddress, port: 67 };
  if (clientAddress !== none && !isNak) return { address: clientAddress, port: 68 };
  return { address: "255.255.255.255", port: 68 };
}

function networkOptions({ network, router, dns }: NetworkSettings): Options {
  const [, broadcast] = networkBounds(network);
  const options: Options = [
    [option.subnetMask, ipv4Bytes(network.netmask)],
    [option.broadcastAddress, ipv4Bytes(ipv4FromNumber(broadcast))],
  ];
  if (router !== undefined) options.push([option.router, ipv4Bytes(router)]);
  if (dns.length > 0) options.push([option.domainNameServer, Buffer.concat(dns.map(ipv4Bytes))]);
  return options;
}

/** RFC 6842: what a client calls itself is sent back. */
function identifierOf({ options }: DhcpMessage): Options {
  const identifier = options.get(option.clientIdentifier);
  return identifier === undefined ? [] : [[option.clientIdentifier, identifier]];
}

function seconds(count: number): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(count);
  return value;
}
