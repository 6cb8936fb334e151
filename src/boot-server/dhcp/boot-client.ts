import { formatMac, formatUuid } from "../net/address.js";
import type { Firmware, MachineArchitecture } from "../releases/client-architecture.js";
import type { DhcpMessage } from "./message.js";
import { option } from "./option-codes.js";

/** What a client says of itself in a DHCP message. */
export interface BootClient {
  /** `52:54:00:aa:bb:01` */
  readonly mac: string;
  /** From option 97; undefined where it is left out. */
  readonly uuid: string | undefined;
  /** What it asks for: files by TFTP, or an address for HTTP Boot. */
  readonly protocol: "pxe" | "http";
  readonly architecture: MachineArchitecture | undefined;
  readonly firmware: Firmware | undefined;
  /** The number it gave: RFC 4578 and IANA's list of processor architecture types. */
  readonly architectureType: number | undefined;
  /** True for iPXE itself, which needs no boot program any more. */
  readonly isIpxe: boolean;
}

/** Why a message is none of a boot server's business. */
export interface IgnoredClient {
  readonly reason: string;
  /** True where a person who wonders should be told: the machine did ask to be booted. */
  readonly isNotable: boolean;
}

type Kind = readonly [MachineArchitecture, Firmware];

const kinds: Readonly<Record<number, Kind>> = {
  0: ["amd64", "bios"],
  6: ["386", "uefi"],
  7: ["amd64", "uefi"],
  // "EBC", which is what VMware and older firmware say for x64.
  9: ["amd64", "uefi"],
  10: ["arm", "uefi"],
  11: ["arm64", "uefi"],
  15: ["386", "uefi"],
  16: ["amd64", "uefi"],
  18: ["arm", "uefi"],
  19: ["arm64", "uefi"],
  20: ["amd64", "bios"],
  21: ["arm", "u-boot"],
  22: ["arm64", "u-boot"],
  23: ["arm", "u-boot"],
  24: ["arm64", "u-boot"],
  27: ["riscv64", "uefi"],
  28: ["riscv64", "uefi"],
  41: ["arm64", "raspberry-pi"],
};

const raspberryPi = 41;
/** Makers' parts of hardware addresses: the Raspberry Pi Foundation's, and its companies'. */
const raspberryPis = [
  "b8:27:eb",
  "dc:a6:32",
  "e4:5f:01",
  "28:cd:c1",
  "d8:3a:dd",
  "2c:cf:67",
  "88:a2:9e",
];

/** Reads what a client says of itself; others than network boot clients are told apart. */
export function readBootClient(message: DhcpMessage): BootClient | IgnoredClient {
  const vendorClass = message.options.get(option.vendorClass)?.toString("latin1") ?? "";
  const protocol = protocolOf(vendorClass);
  if (protocol === undefined) return { reason: "it does not ask to be booted", isNotable: false };
  if (message.hardwareAddress.length === 0) {
    return { reason: "it has no hardware address", isNotable: true };
  }
  const identifier = message.options.get(option.clientMachineIdentifier);
  // RFC 4578, section 2.3: a type byte of 0 and a UUID.
  if (identifier !== undefined && (identifier.length !== 17 || identifier[0] !== 0)) {
    return { reason: "its machine identifier (option 97) is malformed", isNotable: true };
  }
  const mac = formatMac(message.hardwareAddress);
  const architectureType = architectureTypeOf(message, vendorClass);
  const kind = kindOf(architectureType, protocol, mac);
  return {
    mac,
    uuid: identifier === undefined ? undefined : formatUuid(identifier.subarray(1)),
    protocol,
    architecture: kind?.[0],
    firmware: kind?.[1],
    architectureType,
    isIpxe: isIpxe(message),
  };
}

/** The boot ROM of a Raspberry Pi says that it is a BIOS, whose programs it cannot run. */
function kindOf(
  architectureType: number | undefined,
  protocol: BootClient["protocol"],
  mac: string,
): Kind | undefined {
  if (architectureType === undefined) return undefined;
  const isPi =
    architectureType === 0 && protocol === "pxe" && raspberryPis.includes(mac.slice(0, 8));
  return kinds[isPi ? raspberryPi : architectureType];
}

function protocolOf(vendorClass: string): "pxe" | "http" | undefined {
  if (vendorClass.startsWith("PXEClient")) return "pxe";
  if (vendorClass.startsWith("HTTPClient")) return "http";
  return undefined;
}

/** Option 93, or what option 60 says of it, as in `PXEClient:Arch:00007:UNDI:003016`. */
function architectureTypeOf(message: DhcpMessage, vendorClass: string): number | undefined {
  const value = message.options.get(option.clientArchitecture);
  if (value !== undefined && value.length >= 2) return value.readUInt16BE(0);
  const words = /:Arch:(\d{5})/.exec(vendorClass);
  return words === null ? undefined : Number(words[1]);
}

/** iPXE says so in its user class, bare or with a length byte before it (RFC 3004). */
function isIpxe({ options }: DhcpMessage): boolean {
  const userClass = options.get(option.userClass);
  if (userClass === undefined) return false;
  return ["iPXE", "gPXE", "\u0004iPXE"].includes(userClass.toString("latin1"));
}
