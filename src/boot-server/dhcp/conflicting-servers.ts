import { NetbootError } from "../../support/index.js";
import { findDroppingChains, type ServedPort } from "../net/firewall.js";
import { ipv4Addresses, type ServedAddress } from "../net/interfaces.js";
import { findLocalDhcpServers, type LocalDhcpServer } from "../net/local-dhcp-servers.js";
import type { DiscoveredServer } from "./discovery-packets.js";
import { type DiscoveryOptions, discoverServers } from "./server-discovery.js";

/** What may keep machines of a network from booting, and what to do about it. */
export interface NetworkWarning {
  /** A sentence without its full stop. */
  readonly what: string;
  readonly hint: string;
}

export interface ConflictCheckOptions extends Omit<DiscoveryOptions, "addresses"> {
  /** True to warn about another DHCP server instead of failing. */
  readonly allowOtherServers: boolean;
}

const letOtherServerAssign =
  "Let that server assign the addresses and use --dhcp proxy. If the two servers use separate ranges, add --force-dhcp.";

/**
 * Checks that no other server assigns addresses or sends boot settings in a network. Two DHCP servers
 * that do not know each other would assign the same address to two machines.
 * @throws NetbootError DHCP_SERVER_PRESENT; the error of bind: EACCES, EADDRNOTAVAIL
 */
export async function checkForConflictingServers(
  network: ServedAddress,
  { allowOtherServers, ...discovery }: ConflictCheckOptions,
): Promise<NetworkWarning[]> {
  const { interface: name } = network;
  const [found, local] = await Promise.all([
    discoverServers({ addresses: [network], ...discovery }),
    findLocalDhcpServers(network),
  ]);
  if (found === "unknown") {
    return [
      {
        what: `Cannot check for another DHCP server on ${name}: other programs use ports 67 and 68`,
        hint: "Make sure that no other server assigns addresses there.",
      },
    ];
  }
  const heard = [...new Set(found.filter(isDhcp).map(({ server }) => server))];
  const dhcp = [...heard, ...(heard.length === 0 ? local.map(describeProgram) : [])];
  if (dhcp.length > 0 && !allowOtherServers) {
    throw new NetbootError(
      "DHCP_SERVER_PRESENT",
      `Another DHCP server assigns addresses on ${name}: ${dhcp.join(", ")}.`,
      letOtherServerAssign,
    );
  }
  return [
    ...dhcp.map((server) => ({
      what: `Another DHCP server also assigns addresses on ${name}: ${server}`,
      hint: "Make sure that the two servers use separate ranges.",
    })),
    ...bootServerWarnings(name, found),
    ...bootSettingWarnings(name, found),
  ];
}

export interface ProxyCheckOptions extends Omit<DiscoveryOptions, "addresses"> {
  readonly httpPort?: number | undefined;
  /** Called with an address that the DHCP server of an interface assigns. */
  readonly onAssigned?: ((interfaceName: string, address: string) => void) | undefined;
}

/**
 * Checks the networks of a ProxyDHCP server for what keeps machines from booting: a missing DHCP
 * server, another boot server, boot settings of the DHCP server, or this machine's firewall.
 * @throws the error of bind: EACCES, EADDRNOTAVAIL; AbortError
 */
export async function checkNetworkForProxy(
  addresses: readonly ServedAddress[],
  { httpPort = 8080, onAssigned = () => {}, ...discovery }: ProxyCheckOptions = {},
): Promise<NetworkWarning[]> {
  const [found, firewall] = await Promise.all([
    discoverServers({ addresses, ...discovery }),
    firewallWarnings(httpPort),
  ]);
  if (found === "unknown") return firewall;
  for (const { interface: name, assigned } of found) {
    if (assigned !== undefined) onAssigned(name, assigned);
  }
  const names = [...new Set(addresses.map((it) => it.interface))];
  const ofNetworks = names.map(async (name) => {
    const here = found.filter((it) => it.interface === name);
    const warnings = [...bootServerWarnings(name, here), ...bootSettingWarnings(name, here)];
    if (here.some(isDhcp)) return warnings;
    const own = addresses.filter((it) => it.interface === name);
    const local = (await Promise.all(own.map(findLocalDhcpServers))).flat();
    return local.length > 0 ? warnings : [...warnings, nothingHeard(name, firewall.length > 0)];
  });
  return [...firewall, ...(await Promise.all(ofNetworks)).flat()];
}

function isDhcp({ kind }: DiscoveredServer): boolean {
  return kind === "dhcp";
}

function describeProgram({ name, pid }: LocalDhcpServer): string {
  return `${name} on this machine (process ${pid})`;
}

function nothingHeard(name: string, isFirewallKnown: boolean): NetworkWarning {
  const what = `No DHCP server was heard on ${name}`;
  const hint = isFirewallKnown
    ? "The firewall of this machine may drop the answers."
    : "A firewall on this machine may drop the answers. Only on a network without a DHCP server, add --dhcp server --dhcp-range FIRST-LAST.";
  return { what, hint };
}

function bootServerWarnings(name: string, found: readonly DiscoveredServer[]): NetworkWarning[] {
  const dhcp = found.filter(isDhcp).map(({ server }) => server);
  const others = found.filter((it) => !isDhcp(it)).map(({ server }) => server);
  return [...new Set(others)]
    .filter((server) => !dhcp.includes(server))
    .map((server) => ({
      what: `Another boot server answers on ${name}: ${server}`,
      hint: "Machines use the answer that arrives first. Stop that server, or let it ignore these machines.",
    }));
}

/** Machines may follow what a DHCP server tells them to boot, instead of this server's offer. */
function bootSettingWarnings(name: string, found: readonly DiscoveredServer[]): NetworkWarning[] {
  const warnings = found.filter(isDhcp).flatMap((offer) => {
    const what = describeBootSettings(offer);
    if (what === undefined) return [];
    return {
      what: `The DHCP server ${offer.server} on ${name} sends ${what}`,
      hint: "Firmware may follow that instead of this server: remove it from the DHCP server (docs/dhcp-servers.md says where).",
    };
  });
  return [...new Map(warnings.map((warning) => [warning.what, warning])).values()];
}

function describeBootSettings(offer: DiscoveredServer): string | undefined {
  const { bootFile, nextServer, server, claimsPxe } = offer;
  const own = ipv4Addresses().map(({ address }) => address);
  // Somebody who configures the DHCP server for this server wants just that.
  if (nextServer !== undefined && own.includes(nextServer) && nextServer !== server)
    return undefined;
  const isElsewhere = nextServer !== undefined && nextServer !== server;
  const parts = [
    bootFile === undefined ? [] : `the boot file ${bootFile}`,
    isElsewhere ? `the next server ${nextServer}` : [],
    claimsPxe ? "option 60 (PXEClient), as if it answered on port 4011" : [],
  ].flat();
  return parts.length === 0 ? undefined : parts.join(" and ");
}

async function firewallWarnings(httpPort: number): Promise<NetworkWarning[]> {
  const ports: ServedPort[] = [
    ...[67, 69, 4011].map((port) => ({ protocol: "udp", port }) as const),
    { protocol: "tcp", port: httpPort },
  ];
  const chains = await findDroppingChains(ports);
  return (chains ?? []).map(({ name, closed }) => ({
    what: `The firewall of this machine (nft chain ${name}) drops ${closed.map(({ protocol, port }) => `${protocol} ${port}`).join(", ")}`,
    hint: "Accept these ports, or machines cannot reach this server.",
  }));
}
