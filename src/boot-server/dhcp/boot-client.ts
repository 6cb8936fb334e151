import { formatMac, formatUuid } from "../net/address.js";
import type { Firmware, MachineArchitecture } from "../releases/client-architecture.js";
import type { DhcpMessage } from "./message.js";
import { describeOption, optionCode } from "./option-codes.js";

/** The facts that a client states about itself in a DHCP message. */
export interface BootClient {
  /** `52:54:00:aa:bb:01` */
  readonly mac: string;
  /** From option 97, which some firmware omits. */
  readonly uuid: string | undefined;
  /** `pxe` clients fetch a file over TFTP, `http` clients (UEFI HTTP Boot) a URL. */
  readonly protocol: "pxe" | "http";
  readonly architecture: MachineArchitecture | undefined;
  readonly firmware: Firmware | undefined;
  /** The number in option 93 (RFC 4578, section 2.1; IANA "Processor Architecture Types"). */
  readonly architectureType: number | undefined;
  /** True if iPXE already runs on the client, so that it needs a script instead of a boot program. */
  readonly isIpxe: boolean;
}

/** Why the boot server ignores a client. */
export interface IgnoredClient {
  readonly reason: string;
  /** True if the machine did ask to boot from the network, so that its user may wonder. */
  readonly isNotable: boolean;
}

type Platform = readonly [MachineArchitecture, Firmware];

const platforms: Readonly<Record<number, Platform>> = {
  0: ["amd64", "bios"],
  6: ["386", "uefi"],
  7: ["amd64", "uefi"],
  // EBC, EFI byte code: VMware and older firmware send it for x64.
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
/** The vendor prefixes of Raspberry Pi hardware addresses. */
const raspberryPiPrefixes = [
  "b8:27:eb",
  "dc:a6:32",
  "e4:5f:01",
  "28:cd:c1",
  "d8:3a:dd",
  "2c:cf:67",
  "88:a2:9e",
];

/** Reads what a network boot client says about itself; says why any other client is ignored. */
export function readBootClient(message: DhcpMessage): BootClient | IgnoredClient {
  const vendorClass = message.options.get(optionCode.vendorClass)?.toString("latin1") ?? "";
  const protocol = bootProtocol(vendorClass);
  if (protocol === undefined)
    return { reason: "it does not ask to boot from the network", isNotable: false };
  if (message.hardwareAddress.length === 0) {
    return { reason: "it has no hardware address", isNotable: true };
  }
  const identifier = message.options.get(optionCode.clientMachineIdentifier);
  // RFC 4578, section 2.3: a type byte of 0 and a UUID.
  if (identifier !== undefined && (identifier.length !== 17 || identifier[0] !== 0)) {
    return {
      reason: `its ${describeOption(optionCode.clientMachineIdentifier)} is malformed`,
      isNotable: true,
    };
  }
  const mac = formatMac(message.hardwareAddress);
  const architectureType = readArchitectureType(message, vendorClass);
  const platform = findPlatform(architectureType, protocol, mac);
  return {
    mac,
    uuid: identifier === undefined ? undefined : formatUuid(identifier.subarray(1)),
    protocol,
    architecture: platform?.[0],
    firmware: platform?.[1],
    architectureType,
    isIpxe: isIpxe(message),
  };
}

/** The boot ROM of a Raspberry Pi claims to be a BIOS, but cannot run programs for a BIOS. */
function findPlatform(
  architectureType: number | undefined,
  protocol: BootClient["protocol"],
  mac: string,
): Platform | undefined {
  if (architectureType === undefined) return undefined;
  const isPi =
    architectureType === 0 && protocol === "pxe" && raspberryPiPrefixes.includes(mac.slice(0, 8));
  return platforms[isPi ? raspberryPi : architectureType];
}

function bootProtocol(vendorClass: string): "pxe" | "http" | undefined {
  if (vendorClass.startsWith("PXEClient")) return "pxe";
  if (vendorClass.startsWith("HTTPClient")) return "http";
  return undefined;
}

/** Reads option 93, or else option 60: `PXEClient:Arch:00007:UNDI:003016`. */
function readArchitectureType(message: DhcpMessage, vendorClass: string): number | undefined {
  const value = message.options.get(optionCode.clientArchitecture);
  if (value !== undefined && value.length >= 2) return value.readUInt16BE(0);
  const words = /:Arch:(\d{5})/.exec(vendorClass);
  return words === null ? undefined : Number(words[1]);
}

/** iPXE sends its name as the user class, either bare or with a length byte (RFC 3004). */
function isIpxe({ options }: DhcpMessage): boolean {
  const userClass = options.get(optionCode.userClass);
  if (userClass === undefined) return false;
  return ["iPXE", "gPXE", "\u0004iPXE"].includes(userClass.toString("latin1"));
}
