import { formatMac, formatUuid } from "../net/address.js";
import type { Firmware, MachineArchitecture } from "../releases/client-architecture.js";
import type { DhcpMessage } from "./message.js";
import { ipxeSubOption, optionCode } from "./option-codes.js";
import { findSubOption } from "./sub-options.js";

/** The facts that a client states about itself in a DHCP message. */
export interface BootClient {
  /** `52:54:00:aa:bb:01` */
  readonly mac: string;
  /** From option 97, which some firmware omits or fills with something else. */
  readonly uuid: string | undefined;
  /** True if option 97 is there, but is not a UUID. */
  readonly hasMalformedIdentifier: boolean;
  /** `pxe` clients fetch a file over TFTP, `http` clients (UEFI HTTP Boot) a URL. */
  readonly protocol: "pxe" | "http";
  readonly architecture: MachineArchitecture | undefined;
  readonly firmware: Firmware | undefined;
  /** The first number in option 93 (RFC 4578, section 2.1; IANA "Processor Architecture Types"). */
  readonly architectureType: number | undefined;
  /** True if an iPXE runs on the client. */
  readonly isIpxe: boolean;
  /** True for an iPXE that can fetch scripts by HTTP, so that it needs no boot program. */
  readonly runsScripts: boolean;
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
  const isUuid = identifier?.length === 17 && identifier[0] === 0;
  const mac = formatMac(message.hardwareAddress);
  const architectureTypes = readArchitectureTypes(message, vendorClass);
  const [architecture, firmware] = findPlatform(architectureTypes, protocol, mac) ?? [];
  const isIpxe = isSentByIpxe(message);
  return {
    mac,
    uuid: isUuid ? formatUuid(identifier.subarray(1)) : undefined,
    hasMalformedIdentifier: identifier !== undefined && !isUuid,
    protocol,
    architecture,
    firmware,
    architectureType: architectureTypes[0],
    isIpxe,
    runsScripts: isIpxe && hasHttp(message),
  };
}

/**
 * The first platform of the list that this program knows. There are no Kairos images for 386, so such
 * a machine gets what else it can run.
 */
function findPlatform(
  architectureTypes: readonly number[],
  protocol: BootClient["protocol"],
  mac: string,
): Platform | undefined {
  const known = architectureTypes.flatMap((type) => {
    // The boot ROM of a Raspberry Pi claims to be a BIOS, but cannot run programs for a BIOS.
    const isPi = type === 0 && protocol === "pxe" && raspberryPiPrefixes.includes(mac.slice(0, 8));
    const platform = platforms[isPi ? raspberryPi : type];
    return platform === undefined ? [] : [platform];
  });
  return known.find(([architecture]) => architecture !== "386") ?? known[0];
}

function bootProtocol(vendorClass: string): "pxe" | "http" | undefined {
  if (vendorClass.startsWith("PXEClient")) return "pxe";
  if (vendorClass.startsWith("HTTPClient")) return "http";
  return undefined;
}

/**
 * Reads option 93, which is a list (RFC 4578, section 2.1), or else option 60:
 * `PXEClient:Arch:00007:UNDI:003016`. A PXE client that says neither is older than both: a BIOS.
 */
function readArchitectureTypes(message: DhcpMessage, vendorClass: string): number[] {
  const value = message.options.get(optionCode.clientArchitecture);
  if (value !== undefined && value.length >= 2) {
    return Array.from({ length: Math.floor(value.length / 2) }, (_, index) =>
      value.readUInt16BE(2 * index),
    );
  }
  const [, type] = /:Arch:(\d{5})/.exec(vendorClass) ?? [];
  if (type !== undefined) return [Number(type)];
  return vendorClass.startsWith("PXEClient") ? [0] : [];
}

/** iPXE lists its features in option 175; the ROMs of some network cards lack HTTP. */
function hasHttp({ options }: DhcpMessage): boolean {
  const features = options.get(optionCode.ipxe);
  if (features === undefined) return true;
  return findSubOption(features, ipxeSubOption.http)?.some((byte) => byte !== 0) ?? false;
}

/** iPXE sends its name as the user class, either bare or with a length byte (RFC 3004). */
function isSentByIpxe({ options }: DhcpMessage): boolean {
  const userClass = options.get(optionCode.userClass);
  if (userClass === undefined) return false;
  return ["iPXE", "gPXE", "\u0004iPXE"].includes(userClass.toString("latin1"));
}
