import type { Endpoint } from "../net/udp-socket.js";
import { type BootChoice, type BootChooser, bootFileFor, usesPort4011 } from "./boot-choice.js";
import { type BootClient, readBootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import { type NoReply, noReply } from "./no-reply.js";
import { messageType, optionCode } from "./option-codes.js";
import { allClients, type PacketInfo } from "./packet-info.js";
import { bootFields, bootFromOffer, localBootMenu, replyTo } from "./pxe-fields.js";
import { findSubOption } from "./sub-options.js";

/** A message from a machine that asks what to boot. */
export interface BootRequest {
  readonly kind: "boot-request";
  readonly client: BootClient;
  readonly message: DhcpMessage;
  readonly packet: PacketInfo;
  /** The message type of the reply. */
  readonly replyType: number;
}

/** The reply to a machine that asks what to boot. */
export interface BootReply {
  readonly kind: "reply";
  readonly client: BootClient;
  /** Undefined if the machine boots from its disk. */
  readonly bootFile: string | undefined;
  readonly message: DhcpMessage;
  readonly to: Endpoint;
}

export type ProxyDecision = BootReply | NoReply;

/** PXE_BOOT_ITEM (PXE 2.1, table 2-1): Intel's ROMs expect the server to echo it. */
const bootItem = 71;

/** Decides the reply to a message on the DHCP port or the PXE port. */
export async function decideProxyReply(
  message: DhcpMessage,
  packet: PacketInfo,
  { choose, styleFor }: BootChooser,
): Promise<ProxyDecision> {
  const request = readBootRequest(message, packet);
  if (request.kind === "no-reply") return request;
  return replyToBootRequest(request, await choose(request.client, packet.server), styleFor);
}

/**
 * Reads a message as a ProxyDHCP server does (PXE 2.1, section 2.2.1). Such a server must not answer
 * clients that do not ask to boot, nor requests for the DHCP server.
 */
export function readBootRequest(message: DhcpMessage, packet: PacketInfo): BootRequest | NoReply {
  if (message.op !== "request") return noReply("it is a reply");
  const replyType = replyTypeFor(message, packet);
  if (replyType === undefined) return noReply("it is meant for the DHCP server");
  const client = readBootClient(message);
  if (!("mac" in client)) return { kind: "no-reply", ...client };
  return { kind: "boot-request", client, message, packet, replyType };
}

/**
 * Builds the reply of a ProxyDHCP server (RFC 2131 and PXE 2.1): an offer without an address, beside
 * the offer of the DHCP server.
 * @param styleFor called only if the style matters and the choice does not fix it
 */
export function replyToBootRequest(
  { client, message, packet, replyType }: BootRequest,
  choice: BootChoice,
  styleFor: BootChooser["styleFor"],
): ProxyDecision {
  if ("refusal" in choice) {
    return { kind: "no-reply", client, reason: choice.refusal, isNotable: true };
  }
  const bootsFromDisk = "disk" in choice;
  const isOffer = replyType === messageType.offer;
  if (bootsFromDisk && !isOffer) {
    return { kind: "no-reply", client, reason: "it boots from its disk", isNotable: false };
  }
  const isReferral = isOffer && usesPort4011(client, choice, styleFor);
  const { server } = packet;
  const pxeOptions = isOffer
    ? [bootsFromDisk ? localBootMenu : bootFromOffer]
    : requestedBootItem(message);
  const { options, ...fields } = bootFields({
    client,
    request: message,
    server,
    bootFile: isReferral ? undefined : bootFileFor(choice, client),
    vendorSpecific: isReferral ? [] : pxeOptions,
  });
  return {
    kind: "reply",
    client,
    bootFile: bootsFromDisk ? undefined : choice.bootFile,
    message: { ...replyTo(message, server, replyType, options), ...fields },
    to: destinationFor(message, packet),
  };
}

function replyTypeFor({ options }: DhcpMessage, { port }: PacketInfo): number | undefined {
  const type = options.get(optionCode.messageType)?.[0];
  if (port === 67) return type === messageType.discover ? messageType.offer : undefined;
  const isRequest = type === messageType.request || type === messageType.inform;
  return isRequest ? messageType.ack : undefined;
}

/** The boot item that the client asks for, if it names one. */
function requestedBootItem({ options }: DhcpMessage): Buffer[] {
  const item = findSubOption(options.get(optionCode.vendorSpecific), bootItem);
  return item === undefined ? [] : [Buffer.from([bootItem, item.length]), item];
}

function destinationFor({ relayAddress }: DhcpMessage, { port, from }: PacketInfo): Endpoint {
  if (port === 4011) return from;
  if (relayAddress !== "0.0.0.0") return { address: relayAddress, port: 67 };
  return allClients;
}
