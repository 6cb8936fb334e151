import type { Socket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { systemCode } from "../../support/index.js";
import { ipv4Addresses, type ServedAddress } from "../net/interfaces.js";
import { bindUdp } from "../net/udp-socket.js";
import { type DiscoveredServer, discoverMessages, readOffer } from "./discovery-packets.js";
import { formatDhcp } from "./message.js";

const none = "0.0.0.0";
/** Milliseconds between questions: one may be lost, as by a switch that just woke up. */
const pause = 700;
const repetitions = 2;

export interface DiscoveryOptions {
  readonly addresses: readonly ServedAddress[];
  /**
   * Milliseconds to wait for offers after the last question; 3500 if left out, as dnsmasq looks
   * for 3 s whether an address is free before it offers it.
   */
  readonly patience?: number;
  /** Ends the asking, with an AbortError. */
  readonly signal?: AbortSignal;
}

/**
 * Asks each network which servers answer DHCP, as a machine that has no address would, and leaves
 * it at the offers. "unknown" where the ports to ask from are not to be had.
 * @throws the error of bind: EACCES, EADDRNOTAVAIL
 */
export async function discoverServers(
  options: DiscoveryOptions,
): Promise<DiscoveredServer[] | "unknown"> {
  const { addresses, patience = 3500, signal } = options;
  const sockets: Socket[] = [];
  const found = new Map<string, DiscoveredServer>();
  const asked = new Map<number, ServedAddress>();
  const onMessage = (bytes: Buffer) => {
    const heard = readOffer(bytes, asked);
    if (heard === undefined || isOfOtherInterface(heard)) return;
    found.set(`${heard.kind} ${heard.server} ${heard.address}`, heard);
  };
  try {
    const way = await openWay(addresses, sockets, onMessage);
    if (way === undefined) return "unknown";
    for (let count = 0; count < repetitions; count += 1) {
      for (const [network, socket] of way.senders) {
        for (const question of discoverMessages(way.isRelayed ? network.address : none)) {
          asked.set(question.transactionId, network);
          socket.send(formatDhcp(question), 67, "255.255.255.255", () => {});
        }
      }
      await delay(count + 1 < repetitions ? pause : patience, undefined, { signal });
    }
  } finally {
    for (const socket of sockets) socket.close();
  }
  return [...found.values()];
}

/**
 * A server of this machine for another network hears questions of all, and this machine hears its
 * answers, though they are sent elsewhere.
 */
function isOfOtherInterface({ server, interface: asked }: DiscoveredServer): boolean {
  const own = ipv4Addresses().filter(({ address }) => address === server);
  return own.length > 0 && own.every((it) => it.interface !== asked);
}

interface Way {
  readonly senders: readonly (readonly [ServedAddress, Socket])[];
  readonly isRelayed: boolean;
}

/**
 * As a client, from port 68; or where a DHCP client of this machine has that port for itself, as a
 * relay from port 67, to which servers send their offers back.
 */
async function openWay(
  addresses: readonly ServedAddress[],
  sockets: Socket[],
  onMessage: (bytes: Buffer) => void,
): Promise<Way | undefined> {
  for (const port of [68, 67]) {
    try {
      const open = async (address: string) => {
        const socket = await bindUdp(address, port, { reuseAddr: true });
        sockets.push(socket.on("message", onMessage));
        socket.setBroadcast(true);
        return socket;
      };
      // Offers come by broadcast, which only a socket without an address gets.
      if (port === 68) await open(none);
      const senders: [ServedAddress, Socket][] = [];
      for (const network of addresses) senders.push([network, await open(network.address)]);
      return { senders, isRelayed: port === 67 };
    } catch (error) {
      if (systemCode(error) !== "EADDRINUSE") throw error;
    }
  }
  return undefined;
}
