import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { NetbootError } from "../../support/index.js";
import { ipv4Number } from "./address.js";

/** An address of this machine on which it serves boot clients. */
export interface ServedAddress {
  readonly interface: string;
  /** IPv4, in dotted-decimal notation. */
  readonly address: string;
  readonly netmask: string;
}

/**
 * Finds the addresses to serve, without duplicates: the requested ones, or by default those of all
 * interfaces except the loopback interface.
 * @param wanted addresses or names of interfaces
 * @throws NetbootError LISTEN_INVALID if this machine lacks a requested address, or has no address
 */
export function findServedAddresses(wanted: readonly string[]): ServedAddress[] {
  const present = ipv4Addresses();
  const listing = present.map(({ interface: name, address }) => `${address} (${name})`).join(", ");
  if (wanted.length === 0) {
    const usable = present.filter(({ address }) => !address.startsWith("127."));
    if (usable.length > 0) return withoutDuplicates(usable);
    throw new NetbootError(
      "LISTEN_INVALID",
      "This machine has no network interface with an IPv4 address.",
      "Give it one, for example: ip address add 192.168.77.1/24 dev eth0",
    );
  }
  const requested = wanted.flatMap((one) => {
    const found = present.filter((it) => it.address === one || it.interface === one);
    if (found.length > 0) return found;
    throw new NetbootError(
      "LISTEN_INVALID",
      `This machine has no address or interface ${one}.`,
      `It has: ${listing || "none"}.`,
    );
  });
  return withoutDuplicates(requested);
}

/** A user may request both an interface and its address, and two interfaces may share an address. */
function withoutDuplicates(addresses: readonly ServedAddress[]): ServedAddress[] {
  const places = addresses.map(({ address }) => address);
  return addresses.filter(({ address }, index) => places.indexOf(address) === index);
}

/** Lists all IPv4 addresses of this machine, including the loopback address. */
export function ipv4Addresses(): ServedAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family }) => family === "IPv4")
      .map(({ address, netmask }) => ({ interface: name, address, netmask })),
  );
}

/**
 * The largest packet that the interface with an address sends.
 * @returns undefined if the kernel does not say
 */
export function mtuOf(address: string): number | undefined {
  const found = ipv4Addresses().find((it) => it.address === address);
  if (found === undefined) return undefined;
  try {
    // The kernel makes this file's contents when it is read, without a wait.
    return Number(readFileSync(`/sys/class/net/${found.interface}/mtu`, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

/** True if the second address is in the network of the first. */
export function isInNetwork({ address, netmask }: ServedAddress, other: string): boolean {
  return ((ipv4Number(address) ^ ipv4Number(other)) & ipv4Number(netmask)) === 0;
}

/** The network address and the broadcast address, as numbers. */
export function networkBounds({ address, netmask }: ServedAddress): [number, number] {
  const mask = ipv4Number(netmask);
  const network = (ipv4Number(address) & mask) >>> 0;
  return [network, (network | ~mask) >>> 0];
}
