import { BootOffers } from "./boot-offers.js";
import { BootTracker } from "./boot-tracker.js";
import { OfferStyles } from "./dhcp/offer-styles.js";
import { EventLog } from "./events/event-log.js";
import type { ServeEvent } from "./events/events.js";
import { Metrics } from "./events/metrics.js";
import { BootScripts } from "./http/boot-scripts.js";
import { ProxiedFiles } from "./http/proxied-files.js";
import { Router } from "./http/router.js";
import { StatusPages } from "./http/status-pages.js";
import type { BootApi } from "./machines/boot-api.js";
import { BootPolicy } from "./machines/boot-policy.js";
import type { MacPattern } from "./machines/mac-pattern.js";
import { MachineStore } from "./machines/machine-store.js";
import type { MachineTokens } from "./machines/machine-token.js";
import type { Rules } from "./machines/rules.js";
import type { BootPrograms } from "./releases/boot-programs.js";
import type { BootedMachines } from "./state/booted-machines.js";
import { TransferMonitor } from "./transfer-monitor.js";

export interface BootServicesOptions {
  readonly programs: BootPrograms;
  readonly allow: readonly MacPattern[];
  readonly deny: readonly MacPattern[];
  /** Returns the current rules. */
  rules(): Rules;
  readonly booted: BootedMachines;
  readonly tokens: MachineTokens;
  /** Undefined if no boot API is configured. */
  readonly api: BootApi | undefined;
  onEvent(event: ServeEvent): void;
}

/** Shared by the DHCP, TFTP and HTTP servers, so that they treat a machine alike. */
export class BootServices {
  readonly machineStore = new MachineStore();
  readonly styles = new OfferStyles();
  readonly eventLog: EventLog;
  readonly tracker: BootTracker;
  readonly transfers: TransferMonitor;
  readonly offers: BootOffers;
  readonly router: Router;
  readonly #options: BootServicesOptions;
  readonly #metrics: Metrics;
  readonly #proxied: ProxiedFiles;

  constructor(options: BootServicesOptions) {
    const { programs, tokens, booted, api } = options;
    const { machineStore, styles } = this;
    this.#options = options;
    const eventLog = new EventLog({ onEvent: (event) => this.emit(event) });
    const policy = new BootPolicy({
      ...options,
      apiUrl: api?.url,
      bootedAt: (mac) => booted.bootedAt(mac),
      isUnderWay: (mac) => eventLog.sessionOf(mac)?.isUnderWay === true,
    });
    const tracker = new BootTracker({
      policy,
      machineStore,
      eventLog,
      styles,
      booted,
      apiUrl: api?.url,
      onWarning: (text) => this.warn(text),
    });
    const transfers = new TransferMonitor({
      macAt: (client) => machineStore.at(client)?.mac,
      onEvent: (event, how) => eventLog.add(event, how),
    });
    const metrics = new Metrics({
      countStates: () => eventLog.countStates(),
      countTransfers: () => transfers.count,
    });
    const proxied = new ProxiedFiles(tokens);
    const scripts = new BootScripts({
      policy,
      machineStore,
      tokens,
      api,
      proxied,
      onScript: (...script) => tracker.scriptSent(...script),
      onImpostor: (...macs) => tracker.impostorRefused(...macs),
    });
    this.eventLog = eventLog;
    this.tracker = tracker;
    this.transfers = transfers;
    this.offers = new BootOffers({ policy, machineStore, programs, api });
    this.router = new Router({
      programs,
      policy,
      scripts,
      proxied,
      status: new StatusPages({ eventLog, machineStore, policy, metrics }),
      machineAt: (client) => machineStore.at(client),
    });
    this.#metrics = metrics;
    this.#proxied = proxied;
  }

  emit(event: ServeEvent): void {
    this.tracker.observe(event);
    this.#metrics.count(event);
    this.#options.onEvent(event);
  }

  warn(text: string): void {
    this.emit({ type: "message", level: "warning", text });
  }

  async close(): Promise<void> {
    this.transfers.close();
    await this.#proxied.close();
    await this.#options.api?.close();
  }
}
