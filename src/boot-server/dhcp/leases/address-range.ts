import { isIPv4 } from "node:net";
import { ipv4FromNumber, ipv4Number } from "../../net/address.js";
import { networkBounds, type ServedAddress } from "../../net/interfaces.js";

/** The server keeps an entry per address, so this limits its memory. */
export const maxRangeAddresses = 65_536;

/** The addresses from the first to the last one, inclusive, as numbers. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** Parses `192.168.77.100-192.168.77.199`; undefined if the text is not a range. */
export function parseRange(text: string): AddressRange | undefined {
  const [from = "", to = "", ...rest] = text.split("-");
  if (rest.length > 0 || !isIPv4(from) || !isIPv4(to)) return undefined;
  const [first, last] = [ipv4Number(from), ipv4Number(to)];
  return first <= last ? { first, last } : undefined;
}

export function formatRange({ first, last }: AddressRange): string {
  return `${ipv4FromNumber(first)}-${ipv4FromNumber(last)}`;
}

export function contains({ first, last }: AddressRange, address: string): boolean {
  const number = ipv4Number(address);
  return first <= number && number <= last;
}

/** The addresses for hosts: all except the network address and the broadcast address. */
export function hostRange(network: ServedAddress): AddressRange {
  const [first, last] = networkBounds(network);
  return { first: first + 1, last: last - 1 };
}

/** Suggests a range for this network: `.100` to `.199`, or the upper half of a small network. */
export function exampleRange(network: ServedAddress): AddressRange {
  const hosts = hostRange(network);
  const size = hosts.last - hosts.first + 1;
  if (size >= 200) return { first: hosts.first + 99, last: hosts.first + 198 };
  return { first: hosts.first + Math.floor(size / 2), last: hosts.last };
}
