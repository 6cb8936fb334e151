import { join } from "node:path";
import { EventLog } from "../../../src/boot-server/events/event-log.js";
import type { MachineEvent } from "../../../src/boot-server/events/events.js";
import { Metrics } from "../../../src/boot-server/events/metrics.js";
import { BootScripts } from "../../../src/boot-server/http/boot-scripts.js";
import { HttpServer } from "../../../src/boot-server/http/http-server.js";
import { ProxiedFiles } from "../../../src/boot-server/http/proxied-files.js";
import { Router } from "../../../src/boot-server/http/router.js";
import { StatusPages } from "../../../src/boot-server/http/status-pages.js";
import type { BootApi } from "../../../src/boot-server/machines/boot-api.js";
import { BootPolicy } from "../../../src/boot-server/machines/boot-policy.js";
import { loadRules } from "../../../src/boot-server/machines/load-rules.js";
import { MachineStore } from "../../../src/boot-server/machines/machine-store.js";
import { MachineTokens } from "../../../src/boot-server/machines/machine-token.js";
import type { Rules } from "../../../src/boot-server/machines/rules.js";
import type { ArpEntry } from "../../../src/boot-server/net/arp-table.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import type { Release } from "../../../src/boot-server/releases/release.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";

export interface HttpSite {
  readonly server: HttpServer;
  /** `http://127.0.0.1:PORT` */
  readonly base: string;
  readonly eventLog: EventLog;
}

export interface HttpSiteOptions {
  readonly releases?: readonly Release[];
  /** Returns the current rules; by default they are read once from the other options. */
  readonly rules?: () => Rules;
  readonly programs?: BootPrograms;
  readonly commandLine?: string;
  readonly cloudConfig?: string;
  readonly machinesFile?: string;
  /** The directory of the key; a new directory by default. */
  readonly state?: string;
  readonly api?: BootApi;
  readonly bootedAt?: (mac: string) => Date | undefined;
  readonly onEvent?: (event: MachineEvent) => void;
  /** Returns the ARP table; by default the one of the kernel. */
  readonly neighbours?: () => readonly ArpEntry[];
}

/** The HTTP half of a boot server, without DHCP and TFTP, which want ports below 1024. */
export async function startHttpSite(options: HttpSiteOptions): Promise<HttpSite> {
  const {
    releases = [],
    commandLine,
    cloudConfig,
    machinesFile,
    bootedAt = () => undefined,
    api,
  } = options;
  const programs = options.programs ?? (await BootPrograms.find([]));
  const defaults = { commandLine };
  const sources = { machinesFile, defaults, cloudConfig, releases, programs };
  const read = await loadRules(sources);
  const { rules = () => read } = options;
  const machineStore = new MachineStore(options.neighbours);
  const policy = new BootPolicy({
    ...{ allow: [], deny: [], rules, bootedAt },
    apiUrl: api?.url,
  });
  const eventLog = new EventLog({
    onEvent: (event) => options.onEvent?.(event as MachineEvent),
  });
  const state = options.state ?? (await sharedDirectory());
  const tokens = await MachineTokens.withKeyFile(join(state, "key"));
  const proxied = new ProxiedFiles(tokens);
  const metrics = new Metrics({ countStates: () => new Map(), countTransfers: () => 0 });
  const site = new Router({
    programs,
    policy,
    scripts: new BootScripts({
      ...{ policy, machineStore, tokens, api, proxied },
      onScript: () => {},
      onImpostor: () => {},
    }),
    proxied,
    status: new StatusPages({ eventLog, machineStore, policy, metrics }),
    machineAt: (client) => machineStore.at(client),
  });
  const server = new HttpServer({ find: (request) => site.find(request), onEnd: () => {} });
  const { port } = await server.listen("127.0.0.1", 0);
  return { server, eventLog, base: `http://127.0.0.1:${port}` };
}
