import { randomBytes, randomInt } from "node:crypto";
import { formatIpv4 } from "../net/address.js";
import type { ServedAddress } from "../net/interfaces.js";
import { PacketError } from "../net/packet-error.js";
import { type DhcpMessage, parseDhcp } from "./message.js";
import { messageType, optionCode } from "./option-codes.js";
import type { OptionEntry } from "./pxe-fields.js";

const none = "0.0.0.0";
const broadcastFlag = 0x8000;

/** A server that made an offer. */
export interface DiscoveredServer {
  /** The address in its server identifier (option 54). */
  readonly server: string;
  /** `dhcp` servers assign addresses; `proxy` servers only send boot settings. */
  readonly kind: "dhcp" | "proxy";
  /** The address that the offer assigns; undefined in the offers of a proxy. */
  readonly assigned: string | undefined;
  /** The boot settings of the offer. */
  readonly bootFile: string | undefined;
  readonly nextServer: string | undefined;
  /** True if it claims to be a PXE server (option 60; PXE 2.1, section 2.2). */
  readonly claimsPxe: boolean;
  /** The served address and its interface that the offer came to. */
  readonly interface: string;
  readonly address: string;
}

/** A random, locally administered address, which no network card has. */
const hardwareAddress = Buffer.from([0x02, ...randomBytes(5)]);

const pxeOptions: readonly OptionEntry[] = [
  [optionCode.vendorClass, Buffer.from("PXEClient:Arch:00007:UNDI:003016")],
  [optionCode.clientArchitecture, Buffer.from([0, 7])],
  [optionCode.clientMachineIdentifier, Buffer.concat([Buffer.alloc(1), randomBytes(16)])],
];

/**
 * Builds two DISCOVER messages: a plain one, and one of a UEFI machine that asks to boot, which
 * ProxyDHCP servers answer as well.
 * @param relayAddress the address that servers reply to; `0.0.0.0` for a broadcast
 */
export function discoverMessages(relayAddress: string): [plain: DhcpMessage, pxe: DhcpMessage] {
  return [discoverMessage(relayAddress, []), discoverMessage(relayAddress, pxeOptions)];
}

function discoverMessage(relayAddress: string, options: readonly OptionEntry[]): DhcpMessage {
  return {
    op: "request",
    hardwareType: 1,
    hops: relayAddress === none ? 0 : 1,
    transactionId: randomInt(2 ** 32),
    seconds: 0,
    flags: broadcastFlag,
    clientAddress: none,
    yourAddress: none,
    nextServer: none,
    relayAddress,
    hardwareAddress,
    serverName: "",
    bootFile: "",
    options: new Map([
      [optionCode.messageType, Buffer.from([messageType.discover])],
      [optionCode.parameterRequestList, Buffer.from([1, 3, 6, 43, 54, 60, 66, 67])],
      ...options,
    ]),
  };
}

/**
 * Reads an offer that answers one of these messages; undefined for any other datagram.
 * @param networks the network that each transaction was sent to
 */
export function readOffer(
  bytes: Buffer,
  networks: ReadonlyMap<number, ServedAddress>,
): DiscoveredServer | undefined {
  const message = tryParse(bytes);
  const network = message && networks.get(message.transactionId);
  if (network === undefined || message?.op !== "reply") return undefined;
  if (message.options.get(optionCode.messageType)?.[0] !== messageType.offer) return undefined;
  const { interface: name, address } = network;
  const identifier = message.options.get(optionCode.serverIdentifier);
  const server = identifier?.length === 4 ? formatIpv4(identifier) : none;
  const isProxy = message.yourAddress === none;
  const vendorClass = textOf(message, optionCode.vendorClass) ?? "";
  return {
    server,
    kind: isProxy ? "proxy" : "dhcp",
    assigned: isProxy ? undefined : message.yourAddress,
    bootFile: message.bootFile || textOf(message, optionCode.bootFileName),
    nextServer: message.nextServer === none ? undefined : message.nextServer,
    claimsPxe: vendorClass.startsWith("PXEClient"),
    interface: name,
    address,
  };
}

/** @returns undefined for a missing or empty option */
function textOf({ options }: DhcpMessage, code: number): string | undefined {
  return options.get(code)?.toString("latin1").replace(/\0.*$/s, "") || undefined;
}

function tryParse(bytes: Buffer): DhcpMessage | undefined {
  try {
    return parseDhcp(bytes);
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    throw error;
  }
}
