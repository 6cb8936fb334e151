import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memoryNeeded } from "../../artifacts/index.js";
import { formatBytes, formatMemory, NetbootError, systemCode } from "../../support/index.js";
import { checkForConflictingServers, checkNetworkForProxy } from "../dhcp/conflicting-servers.js";
import { parseDhcpOptions } from "../dhcp/dhcp-settings.js";
import { loadRules } from "../machines/load-rules.js";
import { MachineTokens } from "../machines/machine-token.js";
import { noInheritedSockets, takeInheritedSockets } from "../net/inherited-sockets.js";
import { findServedAddresses, type ServedAddress } from "../net/interfaces.js";
import { explainPortError } from "../net/port-error.js";
import type { ServeOptions } from "../options/serve-options.js";
import { type ValidServeOptions, validateServeOptions } from "../options/validate-options.js";
import { BootPrograms, missingPrograms } from "../releases/boot-programs.js";
import { type ReleaseReader, releaseReaders } from "../releases/find-releases.js";
import type { Release } from "../releases/release.js";
import { stateError } from "../state/state-directory.js";
import { checkPorts, takePorts } from "./check-ports.js";
import { type CheckResult, ok, runCheck } from "./check-result.js";

/**
 * Looks whether `serve` would work with the same options, and serves nothing. A check that fails
 * keeps none of the others from being made.
 * @throws NetbootError USAGE_INVALID
 */
export async function* checkServing(options: ServeOptions): AsyncGenerator<CheckResult> {
  const checks = new Checks(options, validateServeOptions(options));
  yield* await runCheck(() => checks.ports());
  yield* await runCheck(() => checks.releases());
  yield* await runCheck(() => checks.programs());
  yield* await runCheck(() => checks.rules());
  yield* await runCheck(() => checks.state());
  yield* await runCheck(() => checks.api());
  // Last, as it waits for answers.
  yield* await runCheck(() => checks.otherServers());
}

/**
 * Makes sure that the ports can be had, for who has long work to do before serving.
 * @throws NetbootError LISTEN_INVALID, PORT_TAKEN, PORT_DENIED, USAGE_INVALID
 */
export async function requirePorts(options: ServeOptions): Promise<void> {
  const addresses = findServedAddresses(options.listen ?? []);
  await takePorts({ ...validateServeOptions(options), addresses, inherited: noInheritedSockets });
}

class Checks {
  readonly #options: ServeOptions;
  readonly #checked: ValidServeOptions;
  readonly #directories: Release[][] = [];
  #programs: BootPrograms | undefined;
  /** Undefined where they could not be found out, which was told of. */
  #addresses: readonly ServedAddress[] | undefined;
  #isReleaseMissing = false;

  constructor(options: ServeOptions, checked: ValidServeOptions) {
    this.#options = options;
    this.#checked = checked;
  }

  async ports(): Promise<CheckResult[]> {
    const addresses = findServedAddresses(this.#options.listen ?? []);
    this.#addresses = addresses;
    const names = addresses.map(({ interface: name, address }) => `${address} (${name})`);
    const ports = { ...this.#checked, addresses, inherited: takeInheritedSockets() };
    return [ok(`addresses: ${names.join(", ")}`), ...(await checkPorts(ports))];
  }

  async releases(): Promise<CheckResult[]> {
    const { files } = this.#checked;
    const places = { directories: this.#options.directories ?? [], files };
    const found: CheckResult[] = [];
    for (const read of releaseReaders(places))
      found.push(...(await runCheck(() => this.#read(read))));
    this.#isReleaseMissing = found.some(({ status }) => status === "fail");
    return found;
  }

  async #read(read: ReleaseReader): Promise<CheckResult[]> {
    const releases = await read();
    this.#directories.push(releases);
    return releases.flatMap(aboutRelease);
  }

  get #releases(): Release[] {
    return this.#directories.flat();
  }

  async programs(): Promise<CheckResult[]> {
    const programs = await BootPrograms.beside(this.#options.ipxeDir);
    this.#programs = programs;
    const missing = missingPrograms(this.#releases, programs);
    if (missing.length > 0) {
      return missing.map(({ what, hint }) => ({ status: "warn", what, hint }));
    }
    return [ok(`boot programs: ${[...programs.byName.keys()].join(", ") || "none"}`)];
  }

  async rules(): Promise<CheckResult[]> {
    // What is wrong with them then may be no fault of theirs.
    if (this.#isReleaseMissing || this.#programs === undefined) return [];
    const sources = {
      ...this.#checked.ruleSources,
      releases: this.#releases,
      directories: this.#directories,
      programs: this.#programs,
    };
    const files = new Set<string>();
    const rules = await loadRules(sources, async (file) => void files.add(file));
    if (files.size === 0) return [];
    return [ok(`${[...files].join(", ")}: right; ${rules.entries.length} machines are named`)];
  }

  async state(): Promise<CheckResult[]> {
    const state = this.#checked.stateDir;
    await MachineTokens.withKeyFile(join(state, "key"));
    await probeDirectory(state);
    return [ok(`${state} can be written to`)];
  }

  async api(): Promise<CheckResult[]> {
    const { api } = this.#checked;
    if (api === undefined) return [];
    // No machine has it: that there is an answer at all is what counts.
    const answer = await api.ask("00:00:00:00:00:00");
    await api.close();
    if ("boot" in answer || /status/.test(answer.refusal)) return [ok(`${api.url} answers`)];
    const what = answer.refusal.replace(/\.$/, "");
    return [{ status: "warn", what, hint: `See what runs at ${api.url}.` }];
  }

  async otherServers(): Promise<CheckResult[]> {
    const addresses = this.#addresses;
    if (this.#checked.dhcp === "off" || addresses === undefined) return [];
    const full = parseDhcpOptions(this.#options, addresses);
    try {
      const warnings =
        full === undefined
          ? await checkNetworkForProxy(addresses)
          : await checkForConflictingServers(full.network, {
              allowOtherServers: full.allowOtherServers,
              timeoutMs: full.discoveryTimeoutMs,
            });
      if (warnings.length === 0) return [ok("no other server is in the way")];
      return warnings.map((text) => ({ status: "warn", what: text.replace(/\.$/, "") }));
    } catch (error) {
      if (systemCode(error) !== "EACCES") throw error;
      const denied = await explainPortError(error, "DHCP", "0.0.0.0", 68);
      // Without having looked it gives no addresses; beside a DHCP server it serves all the same.
      if (full !== undefined || !(denied instanceof NetbootError)) throw denied;
      const what = "Whether other servers answer machines cannot be found out: port 68 is needed";
      return [{ status: "warn", what, hint: denied.hint }];
    }
  }
}

/** @throws NetbootError STATE_NOT_WRITABLE */
async function probeDirectory(directory: string): Promise<void> {
  const probe = join(directory, `.probe-${process.pid}`);
  try {
    await writeFile(probe, "");
    await rm(probe);
  } catch (cause) {
    throw stateError(directory, cause);
  }
}

function aboutRelease(release: Release): CheckResult[] {
  const { name, architecture, squashfs } = release;
  const memory = formatMemory(memoryNeeded(release));
  const kept = formatBytes(squashfs.size);
  return [
    ok(`${name} for ${architecture} has all its files, in their sizes`),
    ok(
      `machines need at least about ${memory} of memory for it (its ${kept} squashfs stays there)`,
    ),
  ];
}
