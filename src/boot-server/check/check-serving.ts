import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError, systemCode } from "../../support/index.js";
import { checkForConflictingServers, checkNetworkForProxy } from "../dhcp/conflicting-servers.js";
import type { BootApi } from "../machines/boot-api.js";
import { loadRules } from "../machines/load-rules.js";
import { MachineTokens } from "../machines/machine-token.js";
import { noInheritedSockets, takeInheritedSockets } from "../net/inherited-sockets.js";
import { findServedAddresses, type ServedAddress } from "../net/interfaces.js";
import { explainPortError } from "../net/port-error.js";
import { parseDhcpOptions } from "../options/parse-dhcp-options.js";
import type { ServeOptions } from "../options/serve-options.js";
import { type ValidServeOptions, validateServeOptions } from "../options/validate-options.js";
import { BootPrograms, findMissingPrograms } from "../releases/boot-programs.js";
import type { Release } from "../releases/release.js";
import { stateDirectoryError } from "../state/state-directory.js";
import { checkPorts, requireAllPorts } from "./check-ports.js";
import { checkReleases } from "./check-releases.js";
import { type CheckResult, passed, runCheck, withoutFullStop } from "./check-result.js";

/**
 * Checks whether `serve` would work with the same options, and serves nothing. A check that fails
 * does not prevent the others.
 * @throws NetbootError USAGE_INVALID
 */
export async function* checkServing(options: ServeOptions): AsyncGenerator<CheckResult> {
  const validOptions = validateServeOptions(options);
  const { files, api, stateDir, dhcp } = validOptions;
  let addresses: readonly ServedAddress[] | undefined;
  yield* await runCheck(async () => {
    addresses = findServedAddresses(options.listen ?? []);
    return checkAddresses(addresses, validOptions);
  });

  const releases = await checkReleases({ directories: options.directories ?? [], files });
  yield* releases.results;

  let programs: BootPrograms | undefined;
  yield* await runCheck(async () => {
    programs = await BootPrograms.locate(options.ipxeDir);
    return checkPrograms(programs, releases.directories.flat());
  });

  const areReleasesValid = releases.results.every(({ status }) => status !== "fail");
  // Invalid releases would make valid rules seem invalid.
  if (areReleasesValid && programs !== undefined) {
    const { directories } = releases;
    const sources = { ...validOptions.ruleSources, directories, programs };
    yield* await runCheck(() => checkRules({ ...sources, releases: directories.flat() }));
  }

  yield* await runCheck(() => checkState(stateDir));
  if (api !== undefined) yield* await runCheck(() => checkApi(api));
  // Last, because it takes some seconds.
  if (dhcp !== "off" && addresses !== undefined) {
    const served = addresses;
    yield* await runCheck(() => checkOtherServers(options, served));
  }
}

/**
 * Ensures that the ports are available, before long work that precedes serving.
 * @throws NetbootError LISTEN_INVALID, PORT_TAKEN, PORT_DENIED, USAGE_INVALID
 */
export async function requirePorts(options: ServeOptions): Promise<void> {
  const addresses = findServedAddresses(options.listen ?? []);
  const inherited = noInheritedSockets;
  await requireAllPorts({ ...validateServeOptions(options), addresses, inherited });
}

async function checkAddresses(
  addresses: readonly ServedAddress[],
  { httpPort, dhcp }: ValidServeOptions,
): Promise<CheckResult[]> {
  const names = addresses.map(({ interface: name, address }) => `${address} (${name})`);
  const ports = { addresses, httpPort, dhcp, inherited: takeInheritedSockets() };
  return [passed(`addresses: ${names.join(", ")}`), ...(await checkPorts(ports))];
}

function checkPrograms(programs: BootPrograms, releases: readonly Release[]): CheckResult[] {
  const missing = findMissingPrograms(releases, programs);
  if (missing.length > 0) {
    return missing.map(({ what, hint }) => ({ status: "warn", what, hint }));
  }
  return [passed(`boot programs: ${[...programs.byName.keys()].join(", ") || "none"}`)];
}

async function checkRules(sources: Parameters<typeof loadRules>[0]): Promise<CheckResult[]> {
  const files = new Set<string>();
  const rules = await loadRules(sources, async (file) => void files.add(file));
  if (files.size === 0) return [];
  return [passed(`valid: ${[...files].join(", ")}, with ${rules.entries.length} machines`)];
}

/** @throws NetbootError STATE_NOT_WRITABLE */
async function checkState(stateDir: string): Promise<CheckResult[]> {
  await MachineTokens.withKeyFile(join(stateDir, "key"));
  const probe = join(stateDir, `.probe-${process.pid}`);
  try {
    await writeFile(probe, "");
    await rm(probe);
  } catch (cause) {
    throw stateDirectoryError(stateDir, cause);
  }
  return [passed(`${stateDir} is writable`)];
}

async function checkApi(api: BootApi): Promise<CheckResult[]> {
  // No machine has this MAC address; any answer is fine.
  const answer = await api.ask("00:00:00:00:00:00");
  await api.close();
  if ("boot" in answer || /status/.test(answer.refusal)) return [passed(`${api.url} answers`)];
  const what = withoutFullStop(answer.refusal);
  return [{ status: "warn", what, hint: `Check the program at ${api.url}.` }];
}

async function checkOtherServers(
  options: ServeOptions,
  addresses: readonly ServedAddress[],
): Promise<CheckResult[]> {
  const settings = parseDhcpOptions(options, addresses);
  try {
    const warnings =
      settings === undefined
        ? await checkNetworkForProxy(addresses, { httpPort: options.httpPort })
        : await checkForConflictingServers(settings.network, {
            allowOtherServers: settings.allowOtherServers,
            timeoutMs: settings.discoveryTimeoutMs,
          });
    if (warnings.length === 0) return [passed("no other server conflicts")];
    return warnings.map(({ what, hint }) => ({ status: "warn", what, hint }));
  } catch (error) {
    if (systemCode(error) !== "EACCES") throw error;
    const denied = await explainPortError(error, "DHCP", "0.0.0.0", 68);
    // A DHCP server must not start without this check; beside another one, serving is possible.
    if (settings !== undefined || !(denied instanceof NetbootError)) throw denied;
    const what = "Other servers on the network were not checked, because port 68 is not permitted";
    return [{ status: "warn", what, hint: denied.hint }];
  }
}
