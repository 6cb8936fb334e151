import { BlockList, isIP } from "node:net";

/** This machine and this link (RFC 1122, 3927, 4291). */
const localSubnets = blockList(
  ["0.0.0.0", 8, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["::", 127, "ipv6"],
  ["fe80::", 10, "ipv6"],
);
/** Private networks (RFC 1918, 4193, 6598). */
const privateSubnets = blockList(
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["fc00::", 7, "ipv6"],
);

/** Whether an IP address belongs to this machine or link, to a private network, or to the internet. */
export function reachOf(address: string): "local" | "private" | "public" {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (localSubnets.check(address, family)) return "local";
  return privateSubnets.check(address, family) ? "private" : "public";
}

function blockList(...subnets: [string, number, "ipv4" | "ipv6"][]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) list.addSubnet(...subnet);
  return list;
}
