import { formatIpv4, formatMac } from "../net/address.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import type { DhcpMessage } from "./message.js";
import { type NoReply, noReply } from "./no-reply.js";
import { messageType, optionCode } from "./option-codes.js";

const none = "0.0.0.0";

/** The part of a client identifier that counts; those of RFC 4361 have about 20 bytes. */
const maxIdentifierBytes = 255;

/**
 * What a client wants from a DHCP server (RFC 2131, section 4.3). The `kind` distinguishes the four
 * kinds of DHCPREQUEST as in its table 4; `renewing` includes REBINDING, which the server answers in
 * the same way.
 */
interface ClientRequest<Kind, Address> {
  readonly kind: Kind;
  readonly message: DhcpMessage;
  /** The key that the server knows the client by. */
  readonly client: string;
  /** The address that the request is about; in a DISCOVER, the address that the client prefers. */
  readonly address: Address;
  readonly hostname: string | undefined;
}

export type DhcpRequest =
  | ClientRequest<"selecting" | "init-reboot" | "renewing", string>
  | ClientRequest<
      "discover" | "selected-other" | "decline" | "release" | "inform",
      string | undefined
    >;

/** Reads what a client wants from the server on this network. */
export function readDhcpRequest(
  message: DhcpMessage,
  network: ServedAddress,
): DhcpRequest | NoReply {
  if (message.op !== "request") return noReply("it is a reply");
  const { relayAddress, options } = message;
  if (relayAddress !== none && !isInNetwork(network, relayAddress)) {
    return noReply(`its relay ${relayAddress} is in a network that has no range`, true);
  }
  const client = clientKey(message);
  if (client === undefined) return noReply("it has no hardware address and no identifier", true);
  const requested = readAddress(options.get(optionCode.requestedAddress));
  const own = message.clientAddress === none ? undefined : message.clientAddress;
  const server = readAddress(options.get(optionCode.serverIdentifier));
  const isForOther = server !== undefined && server !== network.address;
  const common = { message, client, hostname: readHostname(options.get(optionCode.hostName)) };
  switch (options.get(optionCode.messageType)?.[0]) {
    case messageType.discover:
      return { ...common, kind: "discover", address: requested };
    case messageType.request: {
      if (isForOther) return { ...common, kind: "selected-other", address: requested };
      const address = requested ?? own;
      if (address === undefined) return noReply("it names no address", true);
      // Some clients set ciaddr in a message that names the server: the selected address counts.
      if (server !== undefined) return { ...common, kind: "selecting", address };
      if (own === undefined) return { ...common, kind: "init-reboot", address };
      return { ...common, kind: "renewing", address: own };
    }
    case messageType.decline:
      if (isForOther) return noReply("it is meant for another server");
      return { ...common, kind: "decline", address: requested };
    case messageType.release:
      if (isForOther) return noReply("it is meant for another server");
      return { ...common, kind: "release", address: own };
    case messageType.inform:
      return { ...common, kind: "inform", address: own };
    default:
      return noReply("it is not a message that a DHCP server answers");
  }
}

/**
 * The hardware address comes first, although RFC 2131, section 4.2, prefers option 61: the firmware,
 * iPXE, the initrd, and the system of one machine each send a different identifier (none, type and
 * address, a DUID), but must all get the same address. Clients without a hardware address are known
 * by their identifier.
 */
function clientKey({ hardwareAddress, options }: DhcpMessage): string | undefined {
  if (hardwareAddress.some((byte) => byte !== 0)) return formatMac(hardwareAddress);
  const identifier = options.get(optionCode.clientIdentifier);
  if (identifier === undefined || identifier.length === 0) return undefined;
  return `id ${identifier.subarray(0, maxIdentifierBytes).toString("hex")}`;
}

function readAddress(value: Buffer | undefined): string | undefined {
  if (value?.length !== 4) return undefined;
  const address = formatIpv4(value);
  return address === none ? undefined : address;
}

/** Accepts only host names (RFC 1123, section 2.1): the server stores, logs, and returns the name. */
function readHostname(value: Buffer | undefined): string | undefined {
  // Some clients end the name with a NUL (RFC 2132, section 2).
  const name = value?.toString("latin1").replace(/\0+$/, "");
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name) ? name : undefined;
}
