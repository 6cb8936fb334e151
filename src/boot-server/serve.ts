import { once } from "node:events";
import { join } from "node:path";
import { BootServer } from "./boot-server.js";
import type { ServeEvent } from "./events/events.js";
import { MachineTokens } from "./machines/machine-token.js";
import { RulesWatcher } from "./machines/rules-watcher.js";
import { takeInheritedSockets } from "./net/inherited-sockets.js";
import { findServedAddresses } from "./net/interfaces.js";
import { parseDhcpOptions } from "./options/parse-dhcp-options.js";
import type { ServeOptions } from "./options/serve-options.js";
import { type ValidServeOptions, validateServeOptions } from "./options/validate-options.js";
import { BootPrograms, findMissingPrograms } from "./releases/boot-programs.js";
import { readAllReleases } from "./releases/find-releases.js";
import type { Release } from "./releases/release.js";
import { describeReleaseChange } from "./releases/release-change.js";
import { BootedMachines } from "./state/booted-machines.js";
import { removeServerFile, writeServerFile } from "./state/server-file.js";

/**
 * Serves releases to machines that boot from the network, until the signal is aborted.
 * @throws NetbootError
 */
export async function serve(options: ServeOptions): Promise<void> {
  const validOptions = validateServeOptions(options);
  const addresses = findServedAddresses(options.listen ?? []);
  const dhcpSettings = parseDhcpOptions(options, addresses);
  const programs = await BootPrograms.locate(options.ipxeDir);
  const onEvent = (event: ServeEvent) => options.onEvent?.(event);
  const rules = await watchRules(options, validOptions, programs, (level, text) =>
    onEvent({ type: "message", level, text }),
  );
  const { stateDir } = validOptions;
  const server = new BootServer({
    ...validOptions,
    dhcpSettings,
    addresses,
    inherited: takeInheritedSockets(),
    programs,
    rules: () => rules.current,
    booted: new BootedMachines(join(stateDir, "booted")),
    tokens: await MachineTokens.withKeyFile(join(stateDir, "key")),
    onEvent,
  });
  try {
    await server.start();
    try {
      writeServerFile(stateDir, { url: server.url, pid: process.pid });
    } catch (error) {
      const text = `${stateDir} is not writable, so explain needs --server: ${error}`;
      onEvent({ type: "message", level: "warning", text });
    }
    await aborted(options.signal);
  } finally {
    rules.close();
    removeServerFile(stateDir, process.pid);
    await server.stop();
  }
}

async function watchRules(
  { directories = [] }: ServeOptions,
  { ruleSources, files }: ValidServeOptions,
  programs: BootPrograms,
  onMessage: (level: "info" | "warning", text: string) => void,
): Promise<RulesWatcher> {
  const warnOfMissingPrograms = (releases: readonly Release[]) => {
    for (const { what, hint } of findMissingPrograms(releases, programs)) {
      onMessage("warning", `${what}: ${hint}`);
    }
  };
  const places = { directories, files };
  const watcher = await RulesWatcher.start(
    { ...ruleSources, programs, readReleases: (...args) => readAllReleases(places, ...args) },
    {
      onRules: ({ entries }) =>
        onMessage("info", `The rules have changed; they name ${entries.length} machines.`),
      onReleases: (current, previous) => {
        onMessage("info", describeReleaseChange(current, previous));
        const known = new Set(previous.map(({ architecture }) => architecture));
        warnOfMissingPrograms(current.filter(({ architecture }) => !known.has(architecture)));
      },
      onError: (problem) =>
        onMessage("warning", `${problem} The server keeps using the previous version.`),
    },
  );
  warnOfMissingPrograms(watcher.current.releases);
  return watcher;
}

/** Without a signal, the server runs until the process ends. */
async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal !== undefined && !signal.aborted) await once(signal, "abort");
}
