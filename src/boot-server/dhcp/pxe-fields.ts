import { ipv4Bytes } from "../net/address.js";
import type { BootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import { ipxeSubOption, optionCode } from "./option-codes.js";

/** PXE_DISCOVERY_CONTROL (6) with bit 3, "boot from this offer" (PXE 2.1, section 2.2.3). */
export const bootFromOffer = Buffer.from([6, 1, 8]);
/**
 * A PXE menu (9) with one item of type 0, "boot from the local disk", which the prompt (10) selects
 * after 0 seconds (PXE 2.1, table 2-1). Firmware that gets no answer waits for a minute or two.
 */
export const localBootMenu = Buffer.concat([
  Buffer.from([6, 1, 0, 9, 7, 0, 0, 4]),
  Buffer.from("Disk"),
  Buffer.from([10, 5, 0]),
  Buffer.from("Disk"),
]);
/** iPXE prefers the settings with the highest priority to those of a DHCP server, which have 0. */
const preferThisOffer = Buffer.from([ipxeSubOption.priority, 1, 1]);
const endOfOptions = Buffer.from([255]);
const vendorClasses = { pxe: Buffer.from("PXEClient"), http: Buffer.from("HTTPClient") };

/** An option's code and value. */
export type OptionEntry = readonly [code: number, value: Buffer];

/** The part of a DHCP message that says what to boot, and from where. */
export interface BootFields {
  readonly nextServer: string;
  readonly bootFile: string;
  readonly options: readonly OptionEntry[];
}

/** The boot settings for a client. */
export interface BootInstructions {
  readonly client: BootClient;
  readonly request: DhcpMessage;
  /** The address of this server. */
  readonly server: string;
  /** Undefined if the client must ask again on port 4011, or boot from its disk. */
  readonly bootFile: string | undefined;
  /** PXE options for option 43. */
  readonly vendorSpecific: readonly Buffer[];
}

/** The fields of a reply that says nothing about booting. */
export const noBootFields: BootFields = { nextServer: "0.0.0.0", bootFile: "", options: [] };

/** The fields are the same for a DHCP server and a ProxyDHCP server (RFC 4578, PXE 2.1). */
export function bootFields(instructions: BootInstructions): BootFields {
  const { client, request, server, bootFile, vendorSpecific } = instructions;
  const options: OptionEntry[] = [[optionCode.vendorClass, vendorClasses[client.protocol]]];
  const identifier = request.options.get(optionCode.clientMachineIdentifier);
  if (identifier !== undefined) options.push([optionCode.clientMachineIdentifier, identifier]);
  if (client.protocol === "pxe" && vendorSpecific.length > 0) {
    options.push([optionCode.vendorSpecific, Buffer.concat([...vendorSpecific, endOfOptions])]);
  }
  if (bootFile !== undefined) {
    if (client.isIpxe) options.push([optionCode.ipxe, preferThisOffer]);
    options.push([optionCode.tftpServerName, Buffer.from(server)]);
    options.push([optionCode.bootFileName, Buffer.from(bootFile, "latin1")]);
  }
  return { nextServer: server, bootFile: bootFile ?? "", options };
}

/** Builds a reply with the fields that every reply copies from its request (RFC 2131, table 3). */
export function replyTo(
  request: DhcpMessage,
  server: string,
  type: number,
  options: readonly OptionEntry[],
): DhcpMessage {
  const all = new Map<number, Buffer>([
    [optionCode.messageType, Buffer.from([type])],
    [optionCode.serverIdentifier, ipv4Bytes(server)],
    ...options,
  ]);
  const relay = request.options.get(optionCode.relayAgent);
  // The server must echo this option, as the last one (RFC 3046, section 2.2).
  if (relay !== undefined) all.set(optionCode.relayAgent, relay);
  return {
    ...request,
    op: "reply",
    hops: 0,
    seconds: 0,
    yourAddress: "0.0.0.0",
    nextServer: "0.0.0.0",
    serverName: "",
    bootFile: "",
    options: all,
  };
}
