import { NetbootError } from "../../support/index.js";
import type { ServedAddress } from "../net/interfaces.js";
import { discoverServers } from "./server-discovery.js";

/**
 * Makes sure that no other server gives addresses in a network, or answers machines that ask to be
 * booted: two that do not know of each other give one address to two machines.
 * @param isTolerated true where another DHCP server shall only be told of
 * @returns what a person should be told of
 * @throws NetbootError DHCP_SERVER_PRESENT; the error of bind: EACCES, EADDRNOTAVAIL
 */
export async function checkForConflictingServers(
  network: ServedAddress,
  isTolerated: boolean,
): Promise<string[]> {
  const { interface: name } = network;
  const found = await discoverServers({ addresses: [network] });
  if (found === "unknown") {
    return [
      `Whether another DHCP server answers on ${name} could not be found out: other programs have ports 67 and 68 for themselves.`,
    ];
  }
  const servers = (wanted: string) =>
    found.filter(({ kind }) => kind === wanted).map(({ server }) => server);
  const [dhcp, proxy] = [servers("dhcp"), servers("proxy")];
  if (dhcp.length > 0 && !isTolerated) {
    throw new NetbootError(
      "DHCP_SERVER_PRESENT",
      `Another DHCP server gives addresses on ${name}: ${dhcp.join(", ")}.`,
      "Leave addresses to it with --dhcp proxy; or, if both know of each other, add --force-dhcp.",
    );
  }
  return [
    ...dhcp.map((server) => `Another DHCP server gives addresses on ${name}, too: ${server}.`),
    ...proxy
      .filter((server) => !dhcp.includes(server))
      .map((server) => `Another boot server answers machines on ${name}, too: ${server}.`),
  ];
}

/**
 * What stands in the way of booting machines beside a DHCP server: that there is none, or that
 * somebody else tells machines what to boot.
 * @param signal ends the asking
 * @returns what a person should be told of
 * @throws the error of bind: EACCES, EADDRNOTAVAIL; AbortError
 */
export async function checkNetworkForProxy(
  addresses: readonly ServedAddress[],
  signal?: AbortSignal,
): Promise<string[]> {
  const found = await discoverServers({ addresses, ...(signal ? { signal } : {}) });
  if (found === "unknown") return [];
  return addresses.flatMap(({ interface: name, address }) => {
    const here = found.filter((it) => it.address === address);
    const others = here.filter(({ kind }) => kind === "proxy").map(({ server }) => server);
    const warnings = others.map(
      (server) =>
        `Another boot server answers on ${name}: ${server}. Machines take the answer that comes first.`,
    );
    if (here.some(({ kind }) => kind === "dhcp")) return warnings;
    const hint = "Machines get no address, unless you add --dhcp server --dhcp-range FIRST-LAST.";
    return [...warnings, `No DHCP server answers on ${name}. ${hint}`];
  });
}
