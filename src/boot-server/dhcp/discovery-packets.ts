import { randomBytes, randomInt } from "node:crypto";
import { formatIpv4 } from "../net/address.js";
import type { ServedAddress } from "../net/interfaces.js";
import { type DhcpMessage, parseDhcp } from "./message.js";
import { messageType, option } from "./option-codes.js";

const none = "0.0.0.0";
const broadcastFlag = 0x8000;

/** A server that offered something. */
export interface DiscoveredServer {
  /** Its address, as it calls itself (option 54). */
  readonly server: string;
  /** `dhcp` gives addresses, `proxy` only says what to boot. */
  readonly kind: "dhcp" | "proxy";
  /** Where it was heard. */
  readonly interface: string;
  readonly address: string;
}

/** Locally administered, and made up once a run: no network card has it. */
const hardwareAddress = Buffer.from([0x02, ...randomBytes(5)]);

const pxeOptions: readonly (readonly [code: number, value: Buffer])[] = [
  [option.vendorClass, Buffer.from("PXEClient:Arch:00007:UNDI:003016")],
  [option.clientArchitecture, Buffer.from([0, 7])],
  [option.clientMachineIdentifier, Buffer.concat([Buffer.alloc(1), randomBytes(16)])],
];

/**
 * A DISCOVER as any machine sends it, and one of a UEFI machine that asks to be booted, which
 * ProxyDHCP servers answer, too.
 * @param relayAddress where answers shall go; `0.0.0.0` for a broadcast
 */
export function discoverMessages(relayAddress: string): DhcpMessage[] {
  return [[], pxeOptions].map((options) => ({
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
      [option.messageType, Buffer.from([messageType.discover])],
      [option.parameterRequestList, Buffer.from([1, 3, 6, 43, 54, 60, 66, 67])],
      ...options,
    ]),
  }));
}

/** Undefined for what is no offer to one of these questions. */
export function readOffer(
  bytes: Buffer,
  asked: ReadonlyMap<number, ServedAddress>,
): DiscoveredServer | undefined {
  let message: DhcpMessage;
  try {
    message = parseDhcp(bytes);
  } catch {
    return undefined;
  }
  const network = asked.get(message.transactionId);
  const type = message.options.get(option.messageType)?.[0];
  const identifier = message.options.get(option.serverIdentifier);
  if (network === undefined || message.op !== "reply" || type !== messageType.offer) {
    return undefined;
  }
  const { interface: name, address } = network;
  const server = identifier?.length === 4 ? formatIpv4(identifier) : none;
  const kind = message.yourAddress === none ? "proxy" : "dhcp";
  return { server, kind, interface: name, address };
}
