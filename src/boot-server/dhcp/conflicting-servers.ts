import { NetbootError } from "../../support/index.js";
import type { ServedAddress } from "../net/interfaces.js";
import { type DiscoveryOptions, discoverServers } from "./server-discovery.js";

export interface ConflictCheckOptions extends Omit<DiscoveryOptions, "addresses"> {
  /** True to warn about another DHCP server instead of failing. */
  readonly allowOtherServers: boolean;
}

/**
 * Checks that no other server assigns addresses or sends boot settings in a network. Two DHCP servers
 * that do not know each other would assign the same address to two machines.
 * @returns warnings for the user
 * @throws NetbootError DHCP_SERVER_PRESENT; the error of bind: EACCES, EADDRNOTAVAIL
 */
export async function checkForConflictingServers(
  network: ServedAddress,
  { allowOtherServers, ...discovery }: ConflictCheckOptions,
): Promise<string[]> {
  const { interface: name } = network;
  const found = await discoverServers({ addresses: [network], ...discovery });
  if (found === "unknown") {
    return [`Cannot check for another DHCP server on ${name}: other programs use ports 67 and 68.`];
  }
  const serversOf = (wanted: string) =>
    found.filter(({ kind }) => kind === wanted).map(({ server }) => server);
  const [dhcp, proxy] = [serversOf("dhcp"), serversOf("proxy")];
  if (dhcp.length > 0 && !allowOtherServers) {
    throw new NetbootError(
      "DHCP_SERVER_PRESENT",
      `Another DHCP server assigns addresses on ${name}: ${dhcp.join(", ")}.`,
      "Let that server assign the addresses and use --dhcp proxy. If the two servers use separate ranges, add --force-dhcp.",
    );
  }
  return [
    ...dhcp.map((server) => `Another DHCP server also assigns addresses on ${name}: ${server}.`),
    ...proxy
      .filter((server) => !dhcp.includes(server))
      .map((server) => `Another boot server also answers on ${name}: ${server}.`),
  ];
}

/**
 * Checks the networks of a ProxyDHCP server for what keeps machines from booting: a missing DHCP
 * server, or another boot server.
 * @returns warnings for the user
 * @throws the error of bind: EACCES, EADDRNOTAVAIL; AbortError
 */
export async function checkNetworkForProxy(
  addresses: readonly ServedAddress[],
  discovery: Omit<DiscoveryOptions, "addresses"> = {},
): Promise<string[]> {
  const found = await discoverServers({ addresses, ...discovery });
  if (found === "unknown") return [];
  return addresses.flatMap(({ interface: name, address }) => {
    const here = found.filter((it) => it.address === address);
    const others = here.filter(({ kind }) => kind === "proxy").map(({ server }) => server);
    const warnings = others.map(
      (server) =>
        `Another boot server answers on ${name}: ${server}. Machines use the answer that arrives first.`,
    );
    if (here.some(({ kind }) => kind === "dhcp")) return warnings;
    const hint = "Machines get no address unless you add --dhcp server --dhcp-range FIRST-LAST.";
    return [...warnings, `No DHCP server answers on ${name}. ${hint}`];
  });
}
