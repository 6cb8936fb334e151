import { BootOffers } from "./boot-offers.js";
import { BootTracker } from "./boot-tracker.js";
import { checkNetworkForProxy } from "./dhcp/conflicting-servers.js";
import { DhcpServer } from "./dhcp/dhcp-server.js";
import type { DhcpSettings } from "./dhcp/dhcp-settings.js";
import { OfferStyles } from "./dhcp/offer-styles.js";
import { ProxyDhcpServer, type ProxyDhcpServerOptions } from "./dhcp/proxy-server.js";
import { warmUp } from "./dhcp/warm-up.js";
import { EventLog } from "./events/event-log.js";
import type { ServeEvent } from "./events/events.js";
import { Metrics } from "./events/metrics.js";
import { BootScripts } from "./http/boot-scripts.js";
import { HttpServer } from "./http/http-server.js";
import { ProxiedFiles } from "./http/proxied-files.js";
import { Router } from "./http/router.js";
import { StatusPages } from "./http/status-pages.js";
import type { BootApi } from "./machines/boot-api.js";
import { BootPolicy } from "./machines/boot-policy.js";
import type { MacPattern } from "./machines/mac-pattern.js";
import { MachineStore } from "./machines/machine-store.js";
import type { MachineTokens } from "./machines/machine-token.js";
import type { Rules } from "./machines/rules.js";
import type { InheritedSockets } from "./net/inherited-sockets.js";
import type { ServedAddress } from "./net/interfaces.js";
import { explainPortError } from "./net/port-error.js";
import type { DhcpMode } from "./options/validate-options.js";
import type { BootPrograms } from "./releases/boot-programs.js";
import type { BootedMachines } from "./state/booted-machines.js";
import { TftpServer } from "./tftp/tftp-server.js";
import { TransferMonitor } from "./transfer-monitor.js";

/** Milliseconds that transfers have to end when the server is stopped. */
const grace = 10_000;
/** Milliseconds between two looks for machines that stalled. */
const stallInterval = 5_000;

export interface BootServerOptions {
  readonly addresses: readonly ServedAddress[];
  readonly httpPort: number;
  readonly maxTransfers: number;
  readonly dhcp: DhcpMode;
  /** How addresses are given; undefined but for `full`. */
  readonly full: DhcpSettings | undefined;
  /** Used instead of new ones, where there are any for a protocol. */
  readonly inherited: InheritedSockets;
  readonly programs: BootPrograms;
  readonly allow: readonly MacPattern[];
  readonly deny: readonly MacPattern[];
  /** As they are now. */
  rules(): Rules;
  readonly booted: BootedMachines;
  readonly tokens: MachineTokens;
  /** Asked what machines boot that no rule gives a release. */
  readonly api: BootApi | undefined;
  onEvent(event: ServeEvent): void;
}

/** DHCP, TFTP and HTTP for the same machines and releases. */
export class BootServer {
  readonly #options: BootServerOptions;
  readonly #machineStore = new MachineStore();
  readonly #styles = new OfferStyles();
  readonly #events: BootTracker;
  readonly #eventLog: EventLog;
  readonly #metrics: Metrics;
  readonly #transfers: TransferMonitor;
  readonly #offers: BootOffers;
  readonly #http: HttpServer;
  readonly #tftp: TftpServer;
  readonly #dhcp: ProxyDhcpServer | DhcpServer;
  readonly #proxied: ProxiedFiles;
  readonly #stopping = new AbortController();
  #stallTimer: NodeJS.Timeout | undefined;
  /** Of HTTP; the one asked for, or what the system chose for 0. */
  #httpPort: number;

  constructor(options: BootServerOptions) {
    const { programs, tokens, booted, api } = options;
    const machineStore = this.#machineStore;
    this.#options = options;
    this.#httpPort = options.httpPort;
    const proxied = new ProxiedFiles(tokens);
    this.#proxied = proxied;
    const policy = new BootPolicy({
      ...options,
      apiUrl: api?.url,
      bootedAt: (mac) => booted.bootedAt(mac),
      isUnderWay: (mac) => this.#eventLog.sessionOf(mac)?.isUnderWay === true,
    });
    const events = new BootTracker({
      policy,
      machineStore,
      booted,
      styles: this.#styles,
      apiUrl: api?.url,
      eventLog: () => this.#eventLog,
      onWarning: (text) => this.#warn(text),
    });
    this.#events = events;
    this.#eventLog = new EventLog(
      (event) => this.#emit(event),
      (mac) => events.hasBooted(mac),
    );
    this.#transfers = new TransferMonitor({
      macAt: (client) => machineStore.at(client)?.mac,
      onEvent: (event, how) => this.#eventLog.add(event, how),
    });
    this.#metrics = new Metrics({
      states: () => this.#eventLog.states(),
      transfers: () => this.#transfers.count,
    });
    this.#offers = new BootOffers({ policy, machineStore, programs, api });
    const site = new Router({
      programs,
      policy,
      scripts: new BootScripts({
        policy,
        machineStore,
        tokens,
        api,
        proxied,
        onScript: (...what) => events.scriptGiven(...what),
        onImpostor: (...who) => events.impostor(...who),
      }),
      proxied,
      status: new StatusPages({
        eventLog: this.#eventLog,
        machineStore,
        policy,
        metrics: this.#metrics,
      }),
      machineAt: (client) => machineStore.at(client),
    });
    this.#http = new HttpServer({
      maxTransfers: options.maxTransfers,
      find: (request) => site.find(request),
      onStart: (transfer) => {
        events.fetchStarted(transfer);
        this.#transfers.httpStarted(transfer);
      },
      onError: (error) => this.#warn(`An answer by HTTP failed: ${error}`),
      onEnd: (transfer, outcome) => this.#transfers.httpEnded(transfer, outcome),
    });
    this.#tftp = new TftpServer({
      find: (name, client) =>
        site.mayFetch(client) ? site.programNamed(name.replace(/^\//, ""))?.path : undefined,
      onEvent: (event) => {
        if (event.type === "started")
          events.programStarted(machineStore.at(event.client), event.name);
        this.#transfers.tftp(event);
      },
    });
    this.#dhcp = this.#dhcpServer(options);
  }

  #dhcpServer({ addresses, full }: BootServerOptions): ProxyDhcpServer | DhcpServer {
    const common: Omit<ProxyDhcpServerOptions, "addresses"> = {
      choose: (client, server) => this.#offers.choose(client, `http://${server}:${this.#httpPort}`),
      styleFor: (client) => this.#styles.next(client),
      onDecision: (...what) => this.#events.answered(...what),
      onRefused: (...what) => this.#events.datagramRefused(...what),
    };
    if (full === undefined) return new ProxyDhcpServer({ ...common, addresses });
    return new DhcpServer({
      ...common,
      settings: full,
      onLease: (lease) => {
        const { mac, address: ip, hostname } = lease;
        this.#machineStore.learn({ mac, ip, hostname });
        this.#eventLog.add({ type: "leased", ...lease });
      },
      onWarning: (text) => this.#warn(text),
    });
  }

  /** @throws NetbootError PORT_TAKEN, PORT_DENIED, DHCP_SERVER_PRESENT, LEASES_UNUSABLE */
  async start(): Promise<void> {
    const { addresses, inherited } = this.#options;
    const isDhcp = this.#options.dhcp !== "off";
    const dhcp = this.#dhcp;
    // Before anything is told of, as this may find that serving is not right here.
    if (dhcp instanceof DhcpServer) {
      await bound("DHCP", "0.0.0.0", 68, () => dhcp.prepare());
    }
    for (const fd of inherited.http) this.#httpPort = (await this.#http.adopt(fd)).port;
    for (const fd of inherited.tftp) await this.#tftp.adopt(fd);
    for (const { address, interface: name } of addresses) {
      if (inherited.http.length === 0) {
        const listen = (own: number) => this.#http.listen(address, own);
        this.#httpPort = (await bound("HTTP", address, this.#httpPort, listen)).port;
      }
      if (inherited.tftp.length === 0) {
        await bound("TFTP", address, 69, (own) => this.#tftp.listen(address, own));
      }
      const port = this.#httpPort;
      const ports = { http: port, tftp: 69, ...(isDhcp ? { dhcp: 67, pxe: 4011 } : {}) };
      const url = Router.firstScriptAt(`http://${address}:${port}`);
      this.#emit({ type: "listening", url, interface: name, ports });
    }
    if (isDhcp) {
      warmUp();
      await bound("DHCP", "0.0.0.0", 67, () => dhcp.listen(inherited));
    }
    if (this.#options.dhcp === "proxy") void this.#checkNetworkForProxy();
    this.#stallTimer = setInterval(() => this.#eventLog.lookForStalled(), stallInterval).unref();
  }

  /** Where it can be asked: `http://ADDRESS:PORT`. */
  get url(): string {
    return `http://${this.#options.addresses[0]!.address}:${this.#httpPort}`;
  }

  /** Machines are served meanwhile: it takes some seconds. */
  async #checkNetworkForProxy(): Promise<void> {
    const { signal } = this.#stopping;
    const texts = await checkNetworkForProxy(this.#options.addresses, { signal }).catch(() => []);
    for (const text of texts) this.#warn(text);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#stallTimer);
    await this.#dhcp.close();
    this.#eventLog.catchUp();
    await Promise.all([this.#tftp.close(grace), this.#http.close(grace)]);
    this.#transfers.close();
    await this.#proxied.close();
    await this.#options.api?.close();
  }

  #emit(event: ServeEvent): void {
    this.#metrics.count(event);
    this.#options.onEvent(event);
  }

  #warn(text: string): void {
    this.#emit({ type: "message", level: "warning", text });
  }
}

async function bound<Result>(
  what: string,
  address: string,
  port: number,
  listen: (port: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await listen(port);
  } catch (error) {
    throw await explainPortError(error, what, address, port);
  }
}
