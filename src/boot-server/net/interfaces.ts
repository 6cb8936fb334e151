import { networkInterfaces } from "node:os";
import { NetbootError } from "../../support/index.js";
import { ipv4Number } from "./address.js";

/** An address of this machine that boot clients can reach it at. */
export interface ServedAddress {
  readonly interface: string;
  /** IPv4, in dotted decimals. */
  readonly address: string;
  readonly netmask: string;
}

/**
 * The addresses to serve, each once: those of all interfaces but the loopback, or what is asked
 * for.
 * @param wanted addresses or names of interfaces
 * @throws NetbootError LISTEN_INVALID where there is no such address, or none at all
 */
export function findServedAddresses(wanted: readonly string[]): ServedAddress[] {
  const present = ipv4Addresses();
  const listing = present.map(({ interface: name, address }) => `${address} (${name})`).join(", ");
  if (wanted.length === 0) {
    const usable = present.filter(({ address }) => !address.startsWith("127."));
    if (usable.length > 0) return eachOnce(usable);
    throw new NetbootError(
      "LISTEN_INVALID",
      "This machine has no network interface with an IPv4 address.",
      "Give it one, for example: ip address add 192.168.77.1/24 dev eth0",
    );
  }
  const asked = wanted.flatMap((one) => {
    const found = present.filter((it) => it.address === one || it.interface === one);
    if (found.length > 0) return found;
    throw new NetbootError(
      "LISTEN_INVALID",
      `This machine has no address or interface ${one}.`,
      `It has: ${listing || "none"}.`,
    );
  });
  return eachOnce(asked);
}

/** An interface and its address may both be asked for, and two interfaces may share an address. */
function eachOnce(addresses: readonly ServedAddress[]): ServedAddress[] {
  const places = addresses.map(({ address }) => address);
  return addresses.filter(({ address }, index) => places.indexOf(address) === index);
}

/** All of this machine, the loopback among them. */
export function ipv4Addresses(): ServedAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family }) => family === "IPv4")
      .map(({ address, netmask }) => ({ interface: name, address, netmask })),
  );
}

/** True where both addresses are in the network of the first. */
export function isInNetwork({ address, netmask }: ServedAddress, other: string): boolean {
  return ((ipv4Number(address) ^ ipv4Number(other)) & ipv4Number(netmask)) === 0;
}

/** The first and the last address of a network: its own, and that of its broadcasts. */
export function networkBounds({ address, netmask }: ServedAddress): [number, number] {
  const mask = ipv4Number(netmask);
  const network = (ipv4Number(address) & mask) >>> 0;
  return [network, (network | ~mask) >>> 0];
}
