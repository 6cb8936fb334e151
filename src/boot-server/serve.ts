import { once } from "node:events";
import { join } from "node:path";
import { BootServer } from "./boot-server.js";
import { parseDhcpOptions } from "./dhcp/dhcp-settings.js";
import type { ServeEvent } from "./events/events.js";
import { MachineTokens } from "./machines/machine-token.js";
import { RulesWatcher } from "./machines/rules-watcher.js";
import { takeInheritedSockets } from "./net/inherited-sockets.js";
import { findServedAddresses } from "./net/interfaces.js";
import type { ServeOptions } from "./options/serve-options.js";
import { validateServeOptions } from "./options/validate-options.js";
import { BootPrograms, findMissingPrograms } from "./releases/boot-programs.js";
import { readAllReleases } from "./releases/find-releases.js";
import type { Release } from "./releases/release.js";
import { describeReleaseChange } from "./releases/release-change.js";
import { BootedMachines } from "./state/booted-machines.js";
import { removeServerFile, writeServerFile } from "./state/server-file.js";

/**
 * Serves releases to machines that boot from the network, until the signal ends it.
 * @throws NetbootError
 */
export async function serve(options: ServeOptions): Promise<void> {
  const checked = validateServeOptions(options);
  const onEvent = (event: ServeEvent) => options.onEvent?.(event);
  const tell = (level: "info" | "warning", text: string) =>
    onEvent({ type: "message", level, text });
  const addresses = findServedAddresses(options.listen ?? []);
  const full = parseDhcpOptions(options, addresses);
  const programs = await BootPrograms.locate(options.ipxeDir);
  const { stateDir: state, ruleSources, files } = checked;
  const places = { directories: options.directories ?? [], files };
  const tellOfMissing = (releases: readonly Release[]) => {
    for (const { what, hint } of findMissingPrograms(releases, programs)) {
      tell("warning", `${what}: ${hint}`);
    }
  };
  const rules = await RulesWatcher.read(
    { ...ruleSources, programs, readReleases: (beforeRead) => readAllReleases(places, beforeRead) },
    {
      onRules: ({ entries }) =>
        tell("info", `The rules were read again: ${entries.length} machines.`),
      onReleases: (now, before) => {
        tell("info", describeReleaseChange(now, before));
        tellOfMissing(
          now.filter((one) => !before.some((it) => it.architecture === one.architecture)),
        );
      },
      onError: (problem) => tell("warning", `${problem} What held before still holds.`),
    },
  );
  tellOfMissing(rules.current.releases);
  const server = new BootServer({
    ...checked,
    full,
    addresses,
    inherited: takeInheritedSockets(),
    programs,
    rules: () => rules.current,
    booted: new BootedMachines(join(state, "booted")),
    tokens: await MachineTokens.withKeyFile(join(state, "key")),
    onEvent,
  });
  try {
    await server.start();
    try {
      writeServerFile(state, { url: server.url, pid: process.pid });
    } catch (error) {
      tell("warning", `${state} cannot be written to, so explain needs --server: ${error}`);
    }
    if (options.signal !== undefined && !options.signal.aborted)
      await once(options.signal, "abort");
  } finally {
    rules.close();
    removeServerFile(state, process.pid);
    await server.stop();
  }
}
