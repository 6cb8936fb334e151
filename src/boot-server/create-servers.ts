import type { BootServices } from "./boot-services.js";
import { DhcpServer } from "./dhcp/dhcp-server.js";
import type { DhcpSettings } from "./dhcp/dhcp-settings.js";
import type { OfferAddresses } from "./dhcp/offer-addresses.js";
import { ProxyDhcpServer, type ProxyDhcpServerOptions } from "./dhcp/proxy-server.js";
import { HttpServer } from "./http/http-server.js";
import type { ServedAddress } from "./net/interfaces.js";
import { requestedProgramName } from "./releases/boot-programs.js";
import { TftpServer } from "./tftp/tftp-server.js";

export function createHttpServer(services: BootServices, maxTransfers: number): HttpServer {
  const { router, tracker, transfers } = services;
  return new HttpServer({
    maxTransfers,
    find: (request) => router.find(request),
    onStart: (transfer) => {
      tracker.httpStarted(transfer);
      transfers.httpStarted(transfer);
    },
    onError: (error) => services.warn(`An HTTP answer failed: ${error}`),
    onEnd: (transfer, outcome) => transfers.httpEnded(transfer, outcome),
  });
}

export function createTftpServer({ router, tracker, transfers }: BootServices): TftpServer {
  return new TftpServer({
    find: (name, client) =>
      router.mayFetch(client) ? router.findProgram(requestedProgramName(name))?.path : undefined,
    onEvent: (event) => {
      if (event.type === "started") tracker.tftpStarted(event.client, event.name);
      transfers.tftp(event);
    },
  });
}

export interface DhcpWiring {
  readonly addresses: readonly ServedAddress[];
  readonly offerAddresses: OfferAddresses;
  /** With `--dhcp server`: how addresses are given. */
  readonly settings: DhcpSettings | undefined;
  /** Returns `http://ADDRESS:PORT` for one of this server's addresses. */
  httpUrl(address: string): string;
}

export function createDhcpServer(
  services: BootServices,
  { addresses, offerAddresses, settings, httpUrl }: DhcpWiring,
): ProxyDhcpServer | DhcpServer {
  const { offers, styles, tracker, machineStore, eventLog } = services;
  const common: Omit<ProxyDhcpServerOptions, "addresses" | "offerAddresses"> = {
    choose: (client, server) => offers.choose(client, httpUrl(server)),
    styleFor: (client) => styles.next(client),
    onDecision: (...decision) => tracker.dhcpAnswered(...decision),
    onRefused: (...datagram) => tracker.datagramRefused(...datagram),
  };
  if (settings === undefined) return new ProxyDhcpServer({ ...common, addresses, offerAddresses });
  return new DhcpServer({
    ...common,
    settings,
    onLease: (lease) => {
      const { mac, address: ip, hostname } = lease;
      machineStore.learn({ mac, ip, hostname });
      eventLog.add({ type: "leased", ...lease });
    },
    onWarning: (text) => services.warn(text),
  });
}
