import { BootServices, type BootServicesOptions } from "./boot-services.js";
import { createDhcpServer, createHttpServer, createTftpServer } from "./create-servers.js";
import { checkNetworkForProxy } from "./dhcp/conflicting-servers.js";
import { DhcpServer } from "./dhcp/dhcp-server.js";
import type { DhcpSettings } from "./dhcp/dhcp-settings.js";
import { OfferAddresses } from "./dhcp/offer-addresses.js";
import type { ProxyDhcpServer } from "./dhcp/proxy-server.js";
import { warmUp } from "./dhcp/warm-up.js";
import type { HttpServer } from "./http/http-server.js";
import { firstScriptUrl } from "./http/urls.js";
import type { InheritedSockets } from "./net/inherited-sockets.js";
import type { ServedAddress } from "./net/interfaces.js";
import { explainPortError } from "./net/port-error.js";
import type { DhcpMode } from "./options/validate-options.js";
import type { TftpServer } from "./tftp/tftp-server.js";

const dhcpPorts = { dhcp: 67, pxe: 4011 };
/** Running transfers may take this long when the server stops. */
const stopGraceMs = 10_000;
const stallCheckIntervalMs = 5_000;

export interface BootServerOptions extends BootServicesOptions {
  readonly addresses: readonly ServedAddress[];
  readonly httpPort: number;
  readonly maxTransfers: number;
  readonly dhcp: DhcpMode;
  /** With `--dhcp server`: how addresses are given. */
  readonly dhcpSettings: DhcpSettings | undefined;
  /** Sockets that replace new ones, for each protocol that has any. */
  readonly inherited: InheritedSockets;
}

/** DHCP, TFTP and HTTP for the same machines and releases. */
export class BootServer {
  readonly #options: BootServerOptions;
  readonly #services: BootServices;
  readonly #http: HttpServer;
  readonly #tftp: TftpServer;
  readonly #dhcp: ProxyDhcpServer | DhcpServer;
  readonly #stopping = new AbortController();
  readonly #offerAddresses: OfferAddresses;
  #stallTimer: NodeJS.Timeout | undefined;
  /** The requested port until the server listens, then the actual one. */
  #httpPort: number;

  constructor(options: BootServerOptions) {
    const { addresses, dhcpSettings: settings } = options;
    const services = new BootServices(options);
    this.#options = options;
    this.#services = services;
    this.#httpPort = options.httpPort;
    this.#offerAddresses = new OfferAddresses(addresses);
    this.#http = createHttpServer(services, options.maxTransfers);
    this.#tftp = createTftpServer(services);
    const httpUrl = (address: string) => this.#httpUrl(address);
    const offerAddresses = this.#offerAddresses;
    this.#dhcp = createDhcpServer(services, { addresses, offerAddresses, settings, httpUrl });
  }

  /** @throws NetbootError PORT_TAKEN, PORT_DENIED, DHCP_SERVER_PRESENT, LEASES_UNUSABLE */
  async start(): Promise<void> {
    const { addresses, inherited, dhcp } = this.#options;
    const dhcpServer = this.#dhcp;
    // First, because another DHCP server may be a reason not to start at all.
    if (dhcpServer instanceof DhcpServer) {
      await explained("DHCP", "0.0.0.0", 68, () => dhcpServer.prepare());
    }
    for (const fd of inherited.http) this.#httpPort = (await this.#http.adopt(fd)).port;
    for (const fd of inherited.tftp) await this.#tftp.adopt(fd);
    for (const address of addresses) await this.#listenOn(address);
    if (dhcp !== "off") {
      warmUp();
      await explained("DHCP", "0.0.0.0", 67, () => dhcpServer.listen(inherited));
    }
    for (const address of addresses) this.#announce(address);
    if (dhcp === "proxy") void this.#checkNetwork();
    const checkForStalled = () => this.#services.eventLog.checkForStalled();
    this.#stallTimer = setInterval(checkForStalled, stallCheckIntervalMs).unref();
  }

  async #listenOn({ address }: ServedAddress): Promise<void> {
    const { inherited } = this.#options;
    if (inherited.http.length === 0) {
      const listen = (port: number) => this.#http.listen(address, port);
      this.#httpPort = (await explained("HTTP", address, this.#httpPort, listen)).port;
    }
    if (inherited.tftp.length === 0) {
      await explained("TFTP", address, 69, (port) => this.#tftp.listen(address, port));
    }
  }

  #announce({ address, interface: name }: ServedAddress): void {
    const { dhcp } = this.#options;
    const ports = { http: this.#httpPort, tftp: 69, ...(dhcp === "off" ? {} : dhcpPorts) };
    const url = firstScriptUrl(this.#httpUrl(address));
    this.#services.emit({ type: "listening", url, interface: name, ports });
  }

  /** The URL for queries: `http://ADDRESS:PORT`. */
  get url(): string {
    return this.#httpUrl(this.#options.addresses[0]?.address ?? "127.0.0.1");
  }

  #httpUrl(address: string): string {
    return `http://${address}:${this.#httpPort}`;
  }

  /** Takes some seconds, during which machines are served. */
  async #checkNetwork(): Promise<void> {
    const { signal } = this.#stopping;
    const { addresses } = this.#options;
    const httpPort = this.#httpPort;
    const onAssigned = (name: string, address: string) =>
      this.#offerAddresses.learnAssigned(name, address);
    const check = { signal, httpPort, onAssigned };
    const warnings = await checkNetworkForProxy(addresses, check).catch(() => []);
    for (const { what, hint } of warnings) this.#services.warn(`${what}. ${hint}`);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#stallTimer);
    await this.#dhcp.close();
    this.#services.eventLog.flush();
    await Promise.all([this.#tftp.close(stopGraceMs), this.#http.close(stopGraceMs)]);
    await this.#services.close();
  }
}

/** Explains the error of binding a port. */
async function explained<Result>(
  protocol: string,
  address: string,
  port: number,
  listen: (port: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await listen(port);
  } catch (error) {
    throw await explainPortError(error, protocol, address, port);
  }
}
