import { isIPv4 } from "node:net";
import { join } from "node:path";
import { NetbootError, usageError } from "../../support/index.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import { defaultStateDirectory } from "../state/state-directory.js";
import type { NetworkSettings } from "./dhcp-reply.js";
import {
  type AddressRange,
  exampleRange,
  formatRange,
  hostRange,
  maxRangeAddresses,
  parseRange,
} from "./leases/address-range.js";
import { parseLeaseTime } from "./leases/lease-time.js";

/** The options of `serve` that concern DHCP. */
export interface DhcpOptions {
  /**
   * - `proxy` (the default): answers beside the network's DHCP server
   * - `server`: also gives addresses, in a network without a DHCP server
   * - `off`: does not answer DHCP; something else tells machines where to start
   */
  readonly dhcp?: string | undefined;
  /** With `server`: the addresses to give, for example `192.168.77.100-192.168.77.199`. */
  readonly dhcpRange?: string | undefined;
  /** With `server`: how long a lease lasts: `90s`, `30m`, `12h`, `7d`; `1h` by default. */
  readonly dhcpLeaseTime?: string | undefined;
  /** With `server`: the default gateway that machines are told; none by default. */
  readonly dhcpRouter?: string | undefined;
  /** With `server`: the DNS servers that machines are told; none by default. */
  readonly dhcpDns?: readonly string[] | undefined;
  /** With `server`: gives addresses even if another DHCP server answers. */
  readonly forceDhcp?: boolean | undefined;
  /** The directory for persistent state, in which the leases are kept. */
  readonly stateDir?: string | undefined;
}

/** How addresses are given, checked. */
export interface DhcpSettings extends NetworkSettings {
  readonly range: AddressRange;
  /** Addresses of the range that are never given out. */
  readonly excluded: readonly string[];
  /** The file of leases. */
  readonly leasesPath: string;
  /** True where another DHCP server is no reason to refuse. */
  readonly isBesideOthers: boolean;
}

/**
 * Checks the options of `--dhcp server`.
 * @returns undefined in the other modes
 * @throws NetbootError USAGE_INVALID, LISTEN_INVALID
 */
export function parseDhcpOptions(
  options: DhcpOptions,
  addresses: readonly ServedAddress[],
): DhcpSettings | undefined {
  if (options.dhcp !== "server") {
    rejectDhcpServerOptions(options);
    return undefined;
  }
  const { dhcpLeaseTime: leaseTime = "1h", dhcpRouter: router, dhcpDns: dns = [] } = options;
  const { stateDir = defaultStateDirectory() } = options;
  const [range, network] = rangeAndNetwork(options.dhcpRange, addresses);
  const leaseSeconds = parseLeaseTime(leaseTime);
  if (leaseSeconds === undefined) {
    throw usageError(
      `--dhcp-lease-time cannot be ${leaseTime}.`,
      "Give a time from 1m to 365d: --dhcp-lease-time 12h",
    );
  }
  for (const address of [router ?? [], dns].flat()) {
    if (!isIPv4(address))
      throw usageError(`${address} is no IPv4 address.`, "Write it as 192.168.77.1");
  }
  if (router !== undefined && !isInNetwork(network, router)) {
    throw usageError(
      `The router ${router} is not in the network of ${network.address} (${network.netmask}).`,
      "Machines reach a router only in their own network. Leave --dhcp-router out if there is none.",
    );
  }
  return {
    network,
    range,
    leaseSeconds,
    router,
    dns,
    excluded: [addresses.map(({ address }) => address), router ?? [], dns].flat(),
    leasesPath: join(stateDir, "leases"),
    isBesideOthers: options.forceDhcp ?? false,
  };
}

function rejectDhcpServerOptions(options: DhcpOptions): void {
  const given = {
    "dhcp-range": options.dhcpRange,
    "dhcp-lease-time": options.dhcpLeaseTime,
    "dhcp-router": options.dhcpRouter,
    "dhcp-dns": options.dhcpDns,
    "force-dhcp": options.forceDhcp,
  };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw usageError(
      `--${name} is for a server that gives addresses.`,
      "Add --dhcp server where there is no DHCP server, or leave it out.",
    );
  }
}

/** The network is the one that holds the range, on the only interface that is served. */
function rangeAndNetwork(
  text: string | undefined,
  addresses: readonly ServedAddress[],
): [AddressRange, ServedAddress] {
  const example = `For example: --dhcp-range ${formatRange(exampleRange(addresses[0]!))}`;
  if (text === undefined) {
    throw usageError(
      "--dhcp server needs the range of addresses that machines are given.",
      example,
    );
  }
  const range = parseRange(text);
  if (range === undefined) {
    throw usageError(
      `--dhcp-range cannot be ${text}: it is the first and the last address.`,
      example,
    );
  }
  if (range.last - range.first >= maxRangeAddresses) {
    throw usageError(`--dhcp-range ${text} has more than ${maxRangeAddresses} addresses.`, example);
  }
  const network = addresses.find((one) => isWithinHosts(range, one));
  if (network === undefined) {
    const served = addresses.map(({ address, netmask }) => `${address} (${netmask})`).join(", ");
    throw usageError(
      `--dhcp-range ${text} is not within a network that is served: ${served}.`,
      example,
    );
  }
  const interfaces = new Set(addresses.map((one) => one.interface));
  if (interfaces.size > 1) {
    throw new NetbootError(
      "LISTEN_INVALID",
      `--dhcp server is for one network, and ${[...interfaces].join(", ")} are served.`,
      `Name the interface of the range: --listen ${network.interface}`,
    );
  }
  return [range, network];
}

function isWithinHosts(range: AddressRange, network: ServedAddress): boolean {
  const hosts = hostRange(network);
  return hosts.first <= range.first && range.last <= hosts.last;
}
