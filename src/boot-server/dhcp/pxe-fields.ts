import { ipv4Bytes } from "../net/address.js";
import type { BootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import { option } from "./option-codes.js";

/** PXE 2.1, section 2.2.3: 6 is PXE_DISCOVERY_CONTROL, bit 3 "use the boot file of this offer". */
export const bootFromOffer = Buffer.from([6, 1, 8]);
/**
 * PXE 2.1, table 2-1: a menu (9) of one item, type 0, "boot from the disk", which is taken at once
 * (prompt 10 with a time of 0). Firmware that is not answered at all waits for a minute or two.
 */
export const localBootMenu = Buffer.concat([
  Buffer.from([6, 1, 0, 9, 7, 0, 0, 4]),
  Buffer.from("Disk"),
  Buffer.from([10, 5, 0]),
  Buffer.from("Disk"),
]);
const endOfOptions = Buffer.from([255]);
const vendorClasses = { pxe: Buffer.from("PXEClient"), http: Buffer.from("HTTPClient") };

/** The part of a DHCP message that tells a machine what to boot, from where. */
export interface BootFields {
  readonly nextServer: string;
  readonly bootFile: string;
  readonly options: readonly (readonly [code: number, value: Buffer])[];
}

/** What there is to be told. */
export interface BootInstructions {
  readonly client: BootClient;
  readonly request: DhcpMessage;
  /** The address of this server. */
  readonly server: string;
  /** Undefined for a client that is to ask again, at the port of PXE, or to boot from its disk. */
  readonly bootFile: string | undefined;
  /** PXE options for option 43. */
  readonly vendorSpecific: readonly Buffer[];
}

/** Nothing to boot: the fields as RFC 2131 has them. */
export const noBootFields: BootFields = { nextServer: "0.0.0.0", bootFile: "", options: [] };

/** The same for a server that gives addresses and for one beside it (RFC 4578, PXE 2.1). */
export function bootFields(booting: BootInstructions): BootFields {
  const { client, request, server, bootFile, vendorSpecific } = booting;
  const options: [number, Buffer][] = [[option.vendorClass, vendorClasses[client.protocol]]];
  const identifier = request.options.get(option.clientMachineIdentifier);
  if (identifier !== undefined) options.push([option.clientMachineIdentifier, identifier]);
  if (client.protocol === "pxe" && vendorSpecific.length > 0) {
    options.push([option.vendorSpecific, Buffer.concat([...vendorSpecific, endOfOptions])]);
  }
  if (bootFile !== undefined) {
    options.push([option.tftpServerName, Buffer.from(server)]);
    options.push([option.bootFileName, Buffer.from(bootFile, "latin1")]);
  }
  return { nextServer: server, bootFile: bootFile ?? "", options };
}

/** What every answer has in common: what it copies from the request (RFC 2131, table 3). */
export function replyTo(
  request: DhcpMessage,
  server: string,
  type: number,
  options: readonly (readonly [code: number, value: Buffer])[],
): DhcpMessage {
  const all = new Map<number, Buffer>([
    [option.messageType, Buffer.from([type])],
    [option.serverIdentifier, ipv4Bytes(server)],
    ...options,
  ]);
  const relay = request.options.get(option.relayAgent);
  // RFC 3046, section 2.2: to be echoed, and last.
  if (relay !== undefined) all.set(option.relayAgent, relay);
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
