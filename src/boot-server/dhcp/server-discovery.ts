import type { Socket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { systemCode } from "../../support/index.js";
import { ipv4Addresses, type ServedAddress } from "../net/interfaces.js";
import { bindUdp } from "../net/udp-socket.js";
import { type DiscoveredServer, discoverMessages, readOffer } from "./discovery-packets.js";
import { formatDhcp } from "./message.js";
import { allClients } from "./packet-info.js";

const none = "0.0.0.0";
/** A datagram may be lost, for example by a switch port that has just come up. */
const rounds = 2;
/** dnsmasq pings an address for 3 s before it offers the address. */
const defaultTimeoutMs = 3500;
/** Time between the rounds, as a part of the timeout. */
const intervalFraction = 0.2;

export interface DiscoveryOptions {
  readonly addresses: readonly ServedAddress[];
  /** How long to wait for offers after the last round; 3500 by default. */
  readonly timeoutMs?: number | undefined;
  /** Ends the discovery with an AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the DHCP servers of each network: broadcasts DISCOVER messages like a machine without an
 * address, and ignores the offered addresses.
 * @returns "unknown" if other programs hold the ports that this needs
 * @throws the error of bind: EACCES, EADDRNOTAVAIL
 */
export async function discoverServers(
  options: DiscoveryOptions,
): Promise<DiscoveredServer[] | "unknown"> {
  const { addresses, timeoutMs = defaultTimeoutMs, signal } = options;
  const sockets: Socket[] = [];
  const found = new Map<string, DiscoveredServer>();
  const networks = new Map<number, ServedAddress>();
  const onMessage = (bytes: Buffer) => {
    const offer = readOffer(bytes, networks);
    if (offer === undefined || isOnOtherInterface(offer)) return;
    found.set(`${offer.kind} ${offer.server} ${offer.address}`, offer);
  };
  try {
    const probe = await openProbe(addresses, sockets, onMessage);
    if (probe === undefined) return "unknown";
    for (let round = 1; round <= rounds; round += 1) {
      for (const [network, socket] of probe.senders) {
        for (const message of discoverMessages(probe.isRelay ? network.address : none)) {
          networks.set(message.transactionId, network);
          socket.send(formatDhcp(message), 67, allClients.address, () => {});
        }
      }
      const waitMs = round < rounds ? timeoutMs * intervalFraction : timeoutMs;
      await delay(waitMs, undefined, { signal });
    }
  } finally {
    for (const socket of sockets) socket.close();
  }
  return [...found.values()];
}

/**
 * True for an offer from a server on this machine that serves another network. Such a server hears
 * broadcasts from all interfaces, and this machine hears its offers although they go elsewhere.
 */
function isOnOtherInterface({ server, interface: name }: DiscoveredServer): boolean {
  const own = ipv4Addresses().filter(({ address }) => address === server);
  return own.length > 0 && own.every((it) => it.interface !== name);
}

interface Probe {
  readonly senders: readonly (readonly [ServedAddress, Socket])[];
  readonly isRelay: boolean;
}

/**
 * Opens sockets on port 68, like a client. If a DHCP client of this machine holds that port, opens
 * port 67 instead, like a relay, to which servers send their offers.
 */
async function openProbe(
  addresses: readonly ServedAddress[],
  sockets: Socket[],
  onMessage: (bytes: Buffer) => void,
): Promise<Probe | undefined> {
  for (const port of [68, 67]) {
    try {
      const open = async (address: string) => {
        const socket = await bindUdp(address, port, { reuseAddr: true });
        sockets.push(socket.on("message", onMessage));
        socket.setBroadcast(true);
        return socket;
      };
      // Offers are broadcasts, which only a socket for all addresses receives.
      if (port === 68) await open(none);
      const senders: [ServedAddress, Socket][] = [];
      for (const network of addresses) senders.push([network, await open(network.address)]);
      return { senders, isRelay: port === 67 };
    } catch (error) {
      if (systemCode(error) !== "EADDRINUSE") throw error;
    }
  }
  return undefined;
}
