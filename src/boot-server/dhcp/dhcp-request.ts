import { formatIpv4, formatMac } from "../net/address.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import type { DhcpMessage } from "./message.js";
import { messageType, option } from "./option-codes.js";
import type { NoReply } from "./proxy-reply.js";

const none = "0.0.0.0";

/** Bytes of a client identifier that are taken for real; RFC 4361's have about 20. */
const longestIdentifier = 255;

/**
 * What a client wants of a server that gives addresses (RFC 2131, section 4.3). The four kinds of
 * DHCPREQUEST are told apart as its table 4 says; `renewing` is REBINDING too, which asks the same.
 */
export interface DhcpRequest {
  readonly kind:
    | "discover"
    | "selecting"
    | "init-reboot"
    | "renewing"
    | "chose-other"
    | "decline"
    | "release"
    | "inform";
  readonly request: DhcpMessage;
  /** By what the client is known. */
  readonly client: string;
  /** The address that it is about; for a DISCOVER the one that is wished for. */
  readonly address: string | undefined;
  readonly hostname: string | undefined;
}

/** Reads what a client wants of the server with this address. */
export function readDhcpRequest(
  request: DhcpMessage,
  network: ServedAddress,
): DhcpRequest | NoReply {
  if (request.op !== "request") return noReply("it is a reply");
  const { clientAddress, relayAddress, options } = request;
  if (relayAddress !== none && !isInNetwork(network, relayAddress)) {
    return noReply(`its relay ${relayAddress} is in a network without a range`, true);
  }
  const client = clientKey(request);
  if (client === undefined) return noReply("it has no hardware address and no identifier", true);
  const requested = addressIn(options.get(option.requestedAddress));
  const own = clientAddress === none ? undefined : clientAddress;
  const server = addressIn(options.get(option.serverIdentifier));
  const isForOther = server !== undefined && server !== network.address;
  const hostname = hostnameIn(options.get(option.hostName));
  const ask = (kind: DhcpRequest["kind"], address: string | undefined): DhcpRequest => {
    return { kind, request, client, address, hostname };
  };
  switch (options.get(option.messageType)?.[0]) {
    case messageType.discover:
      return ask("discover", requested);
    case messageType.request:
      if (isForOther) return ask("chose-other", requested);
      if (requested === undefined && own === undefined) return noReply("it names no address", true);
      // Some put ciaddr into a message that names the server; what they select counts.
      if (server !== undefined) return ask("selecting", requested ?? own);
      return own === undefined ? ask("init-reboot", requested) : ask("renewing", own);
    case messageType.decline:
      return isForOther ? noReply("it is meant for another server") : ask("decline", requested);
    case messageType.release:
      return isForOther ? noReply("it is meant for another server") : ask("release", own);
    case messageType.inform:
      return ask("inform", own);
    default:
      return noReply("it asks nothing that a DHCP server answers");
  }
}

/**
 * The hardware address, though RFC 2131, section 4.2, wants option 61 to go before it: firmware,
 * iPXE, initrd and system of one machine each send another identifier (none, type and address, a
 * DUID), and shall all get one address. Identifiers serve where there is no hardware address.
 */
function clientKey({ hardwareAddress, options }: DhcpMessage): string | undefined {
  if (hardwareAddress.some((byte) => byte !== 0)) return formatMac(hardwareAddress);
  const identifier = options.get(option.clientIdentifier);
  if (identifier === undefined || identifier.length === 0) return undefined;
  return `id ${identifier.subarray(0, longestIdentifier).toString("hex")}`;
}

function addressIn(value: Buffer | undefined): string | undefined {
  if (value?.length !== 4) return undefined;
  const address = formatIpv4(value);
  return address === none ? undefined : address;
}

/** Only names of hosts (RFC 1123, section 2.1): this one is kept, told of and sent back. */
function hostnameIn(value: Buffer | undefined): string | undefined {
  // Some end it with a NUL (RFC 2132, section 2).
  const name = value?.toString("latin1").replace(/\0+$/, "");
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name) ? name : undefined;
}

function noReply(reason: string, isNotable = false): NoReply {
  return { kind: "no-reply", reason, isNotable };
}
