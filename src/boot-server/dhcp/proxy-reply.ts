import type { OfferStyle } from "../machines/offer-style.js";
import { type BootClient, readBootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import { messageType, option } from "./option-codes.js";
import { bootFields, bootFromOffer, localBootMenu, replyTo } from "./pxe-fields.js";

/**
 * What a client is to fetch: a name for TFTP, or an address; or that it is to boot from its disk,
 * with an address at which there is nothing; or why there is nothing for it.
 */
export type BootChoice =
  | {
      readonly bootFile: string;
      /** Where the machine's firmware is known to take one only. */
      readonly style?: OfferStyle | undefined;
    }
  | { readonly disk: true; readonly nothingAt: string }
  | { readonly refusal: string };

/** How a message came. */
export interface PacketInfo {
  readonly port: 67 | 4011;
  readonly from: { readonly address: string; readonly port: number };
  /** The address of this server on the network that it came from. */
  readonly server: string;
}

/** A message of a machine that asks to be booted. */
export interface BootRequest {
  readonly kind: "boot-request";
  readonly client: BootClient;
  readonly request: DhcpMessage;
  readonly arrival: PacketInfo;
  /** Of the message that answers it. */
  readonly replyType: number;
}

export interface BootReply {
  readonly kind: "reply";
  readonly client: BootClient;
  /** Undefined for a machine that is sent to its disk. */
  readonly bootFile: string | undefined;
  readonly message: DhcpMessage;
  readonly to: { readonly address: string; readonly port: number };
}

export interface NoReply {
  readonly kind: "no-reply";
  readonly client?: BootClient;
  readonly reason: string;
  /** True where a person who wonders should be told. */
  readonly isNotable: boolean;
}

export type ProxyDecision = BootReply | NoReply;

/** PXE 2.1, table 2-1: a boot item; Intel's ROMs expect back what they asked for. */
const bootItem = 71;

/**
 * What a ProxyDHCP server is asked (PXE 2.1, section 2.2.1). It is silent to all who do not ask to
 * be booted, and to requests that are meant for the DHCP server.
 */
export function readBootRequest(request: DhcpMessage, arrival: PacketInfo): BootRequest | NoReply {
  if (request.op !== "request") return noReply("it is a reply");
  const replyType = replyTypeFor(request, arrival);
  if (replyType === undefined) return noReply("it is meant for the DHCP server");
  const client = readBootClient(request);
  if (!("mac" in client)) return { kind: "no-reply", ...client };
  return { kind: "boot-request", client, request, arrival, replyType };
}

/**
 * What a ProxyDHCP server says (RFC 2131, and PXE 2.1): an offer beside the DHCP server's own,
 * without an address.
 * @param styleFor asked only where the style matters and was not chosen
 */
export function replyToBootRequest(
  { client, request, arrival, replyType }: BootRequest,
  choice: BootChoice,
  styleFor: (client: BootClient) => OfferStyle,
): ProxyDecision {
  if ("refusal" in choice) {
    return { kind: "no-reply", client, reason: choice.refusal, isNotable: true };
  }
  const isToDisk = "disk" in choice;
  const isOffer = replyType === messageType.offer;
  if (isToDisk && !isOffer) {
    return { kind: "no-reply", client, reason: "it is to boot from its disk", isNotable: false };
  }
  const isReferral = isOffer && usesPort4011(client, choice, styleFor);
  const { server } = arrival;
  const pxeOptions = isOffer ? [isToDisk ? localBootMenu : bootFromOffer] : bootItemOf(request);
  const { options, ...fields } = bootFields({
    client,
    request,
    server,
    bootFile: isReferral ? undefined : bootFileFor(choice, client),
    vendorSpecific: isReferral ? [] : pxeOptions,
  });
  return {
    kind: "reply",
    client,
    bootFile: isToDisk ? undefined : choice.bootFile,
    message: { ...replyTo(request, server, replyType, options), ...fields },
    to: destinationOf(request, arrival),
  };
}

/**
 * True for a client that is to ask at the PXE server's own port. iPXE takes what the offer says; HTTP
 * Boot knows no other way.
 * @param styleFor asked only where the style matters and was not chosen
 */
export function usesPort4011(
  client: BootClient,
  choice: Exclude<BootChoice, { refusal: string }>,
  styleFor: (client: BootClient) => OfferStyle,
): boolean {
  if ("disk" in choice || client.protocol !== "pxe" || client.isIpxe) return false;
  return (choice.style ?? styleFor(client)) === "port-4011";
}

/**
 * HTTP Boot knows no menus. It goes on to the disk when it is told that there is nothing at an
 * address, and asks for a minute where nobody answers.
 */
export function bootFileFor(
  choice: Exclude<BootChoice, { refusal: string }>,
  { protocol }: BootClient,
): string | undefined {
  if (!("disk" in choice)) return choice.bootFile;
  return protocol === "http" ? choice.nothingAt : undefined;
}

function noReply(reason: string): NoReply {
  return { kind: "no-reply", reason, isNotable: false };
}

function replyTypeFor({ options }: DhcpMessage, { port }: PacketInfo): number | undefined {
  const type = options.get(option.messageType)?.[0];
  if (port === 67) return type === messageType.discover ? messageType.offer : undefined;
  const isQuestion = type === messageType.request || type === messageType.inform;
  return isQuestion ? messageType.ack : undefined;
}

/** The boot item that the client asks for, if it names one. */
function bootItemOf({ options }: DhcpMessage): Buffer[] {
  const item = subOption(options.get(option.vendorSpecific), bootItem);
  return item === undefined ? [] : [Buffer.from([bootItem, item.length]), item];
}

/** A PXE option inside option 43; undefined where it is not there, or option 43 is damaged. */
function subOption(encapsulated: Buffer | undefined, wanted: number): Buffer | undefined {
  if (encapsulated === undefined) return undefined;
  for (let at = 0; at < encapsulated.length; ) {
    const code = encapsulated[at]!;
    if (code === 255) return undefined;
    if (code === 0) {
      at += 1;
      continue;
    }
    const length = encapsulated[at + 1] ?? 0;
    const value = encapsulated.subarray(at + 2, at + 2 + length);
    if (code === wanted) return value.length === length ? value : undefined;
    at += 2 + length;
  }
  return undefined;
}

function destinationOf(
  { relayAddress }: DhcpMessage,
  { port, from }: PacketInfo,
): { address: string; port: number } {
  if (port === 4011) return from;
  if (relayAddress !== "0.0.0.0") return { address: relayAddress, port: 67 };
  return { address: "255.255.255.255", port: 68 };
}
