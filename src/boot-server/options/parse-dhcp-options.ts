import { isIPv4 } from "node:net";
import { join } from "node:path";
import { durationMs, NetbootError, usageError } from "../../support/index.js";
import type { DhcpSettings } from "../dhcp/dhcp-settings.js";
import {
  type AddressRange,
  exampleRange,
  formatRange,
  hostRange,
  maxRangeAddresses,
  parseRange,
} from "../dhcp/leases/address-range.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import { defaultStateDirectory } from "../state/state-directory.js";
import { dhcpServerGroup, serveOptionTable } from "./serve-option-table.js";
import type { ServeOptions } from "./serve-options.js";

/** Shorter leases make machines ask all the time; longer ones are as good as endless. */
const leaseTimeBoundsMs = { min: 60_000, max: 365 * 24 * 60 * 60_000 };

/**
 * Validates the options of `--dhcp server`.
 * @returns undefined in the other modes
 * @throws NetbootError USAGE_INVALID, LISTEN_INVALID
 */
export function parseDhcpOptions(
  options: ServeOptions,
  addresses: readonly ServedAddress[],
): DhcpSettings | undefined {
  if (options.dhcp !== "server") {
    rejectDhcpServerOptions(options);
    return undefined;
  }
  const { dhcpLeaseTime: leaseTime = "1h", dhcpRouter: router, dhcpDns: dns = [] } = options;
  const { stateDir = defaultStateDirectory() } = options;
  const [range, network] = parseRangeOfNetwork(options.dhcpRange, addresses);
  for (const address of [router ?? [], dns].flat()) {
    if (!isIPv4(address))
      throw usageError(`${address} is not an IPv4 address.`, "Write it like 192.168.77.1.");
  }
  if (router !== undefined && !isInNetwork(network, router)) {
    throw usageError(
      `The router ${router} is not in the network of ${network.address} (${network.netmask}).`,
      "Machines can only reach a router in their own network. Omit --dhcp-router if there is none.",
    );
  }
  return {
    network,
    range,
    leaseSeconds: parseLeaseSeconds(leaseTime),
    router,
    dns,
    excluded: [addresses.map(({ address }) => address), router ?? [], dns].flat(),
    leasesPath: join(stateDir, "leases"),
    allowOtherServers: options.forceDhcp ?? false,
    discoveryTimeoutMs: options.dhcpDiscoveryTimeoutMs,
  };
}

function rejectDhcpServerOptions(options: ServeOptions): void {
  for (const [name, { flags, group }] of Object.entries(serveOptionTable)) {
    if (group !== dhcpServerGroup || options[name as keyof ServeOptions] === undefined) continue;
    const [flag] = flags.split(" ");
    throw usageError(
      `${flag} needs --dhcp server.`,
      `Add --dhcp server if the network has no DHCP server; otherwise omit ${flag}.`,
    );
  }
}

function parseLeaseSeconds(text: string): number {
  const milliseconds = durationMs(text);
  const { min, max } = leaseTimeBoundsMs;
  if (milliseconds !== undefined && milliseconds >= min && milliseconds <= max) {
    return Math.floor(milliseconds / 1000);
  }
  throw usageError(
    `--dhcp-lease-time must be a time from 1m to 365d, not ${JSON.stringify(text)}.`,
    "For example: --dhcp-lease-time 12h",
  );
}

/** Finds the network that contains the range; it must be on the only served interface. */
function parseRangeOfNetwork(
  text: string | undefined,
  addresses: readonly ServedAddress[],
): [AddressRange, ServedAddress] {
  const [first] = addresses;
  const exampleText =
    first === undefined ? "192.168.77.100-192.168.77.199" : formatRange(exampleRange(first));
  const example = `For example: --dhcp-range ${exampleText}`;
  if (text === undefined) {
    throw usageError("--dhcp server needs the range of addresses to give: --dhcp-range.", example);
  }
  const range = parseRange(text);
  if (range === undefined) {
    throw usageError(
      `--dhcp-range must be the first and the last address, not ${JSON.stringify(text)}.`,
      example,
    );
  }
  if (range.last - range.first >= maxRangeAddresses) {
    throw usageError(`--dhcp-range ${text} has more than ${maxRangeAddresses} addresses.`, example);
  }
  const network = addresses.find((one) => isWithinHosts(range, one));
  if (network === undefined) {
    const served = addresses.map(({ address, netmask }) => `${address} (${netmask})`).join(", ");
    throw usageError(`--dhcp-range ${text} is not inside a served network: ${served}.`, example);
  }
  const interfaces = new Set(addresses.map((one) => one.interface));
  if (interfaces.size > 1) {
    throw new NetbootError(
      "LISTEN_INVALID",
      `--dhcp server works on one interface only, not on ${[...interfaces].join(", ")}.`,
      `Select the interface of the range: --listen ${network.interface}`,
    );
  }
  return [range, network];
}

function isWithinHosts(range: AddressRange, network: ServedAddress): boolean {
  const hosts = hostRange(network);
  return hosts.first <= range.first && range.last <= hosts.last;
}
