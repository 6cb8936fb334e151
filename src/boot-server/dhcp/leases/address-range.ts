import { isIPv4 } from "node:net";
import { ipv4FromNumber, ipv4Number } from "../../net/address.js";
import { networkBounds, type ServedAddress } from "../../net/interfaces.js";

/** The most addresses that a range may have; what is remembered of each bounds the memory. */
export const maxRangeAddresses = 65_536;

/** Addresses from the first to the last, both included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `192.168.77.100-192.168.77.199`; undefined where it is no range. */
export function parseRange(text: string): AddressRange | undefined {
  const ends = text.split("-");
  if (ends.length !== 2 || !ends.every(isIPv4)) return undefined;
  const [first, last] = ends.map(ipv4Number) as [number, number];
  return first <= last ? { first, last } : undefined;
}

export function formatRange({ first, last }: AddressRange): string {
  return `${ipv4FromNumber(first)}-${ipv4FromNumber(last)}`;
}

export function contains({ first, last }: AddressRange, address: string): boolean {
  const number = ipv4Number(address);
  return first <= number && number <= last;
}

/** The addresses that hosts of a network may have: all but its first and its last. */
export function hostRange(network: ServedAddress): AddressRange {
  const [first, last] = networkBounds(network);
  return { first: first + 1, last: last - 1 };
}

/** A range that a person may take for this network: `.100` to `.199`, or its upper half. */
export function exampleRange(network: ServedAddress): AddressRange {
  const hosts = hostRange(network);
  const size = hosts.last - hosts.first + 1;
  if (size >= 200) return { first: hosts.first + 99, last: hosts.first + 198 };
  return { first: hosts.first + Math.floor(size / 2), last: hosts.last };
}
