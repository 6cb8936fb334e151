import type { Socket } from "node:dgram";
import { formatMac } from "../net/address.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import { PacketError } from "../net/packet-error.js";
import { RateLimit } from "../net/rate-limit.js";
import { sourceAddressFor } from "../net/source-address.js";
import { adoptUdp, bindUdp, bindUdpFallback, onDatagram } from "../net/udp-socket.js";
import { allClients, type Broadcast, createBroadcaster } from "./broadcaster.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "./message.js";
import type { PacketInfo } from "./proxy-reply.js";

/** A machine that boots sends about ten messages in a few seconds, of firmware, iPXE and system. */
const usualRate = { burst: 30, perSecond: 5 };

const none = "0.0.0.0";

export interface DhcpSocketsOptions {
  readonly addresses: readonly ServedAddress[];
  /**
   * True where what is sent to one of these addresses alone may be meant for a DHCP server of this
   * machine, which is to get it.
   */
  readonly isBesideOthers: boolean;
  /** Called with a message and the served addresses that it may be meant for, at least one. */
  onMessage(request: DhcpMessage, arrivals: readonly PacketInfo[]): void;
  /** Told of datagrams that are not answered: no DHCP messages, or too many of a machine. */
  onRefused(from: string, reason: string): void;
}

/** The ports of DHCP and PXE (PXE 2.1, section 2.2): what comes in is read, what goes out written. */
export class DhcpSockets {
  readonly #options: DhcpSocketsOptions;
  readonly #sockets: Socket[] = [];
  /** For each address and port the socket whose datagrams to a single machine come from there. */
  readonly #senders = new Map<string, Socket>();
  /** For each address, where machines without one are answered. */
  readonly #broadcasters = new Map<string, Broadcast>();
  /** For each hardware address. */
  readonly #rate = new RateLimit(usualRate);
  #isClosed = false;

  constructor(options: DhcpSocketsOptions) {
    this.#options = options;
  }

  /**
   * @param inherited sockets that are bound already, which are used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen({ dhcp, pxe } = noInheritedSockets): Promise<void> {
    const { addresses, isBesideOthers } = this.#options;
    for (const fd of pxe) this.#useForAllOfPxe(this.#keep(await adoptUdp(fd)));
    if (dhcp.length > 0) await this.#adoptForDhcp(dhcp);
    else {
      const listener = this.#keep(await bindUdpFallback(67));
      for (const { address } of addresses) {
        const socket = await this.#bind(address, 67);
        if (isBesideOthers) await this.#broadcastFrom(socket, listener);
        else this.#use(socket, address, 67);
      }
      this.#listenToAll(listener);
    }
    if (pxe.length === 0) {
      for (const { address } of addresses)
        this.#use(await this.#bind(address, 4011), address, 4011);
    }
  }

  /**
   * One that is bound to all addresses hears broadcasts, one that is bound to its own sends them.
   * Where none is bound to all, or one for each interface, the others have to hear as well.
   */
  async #adoptForDhcp(descriptors: readonly number[]): Promise<void> {
    const adopted: { readonly fd: number; readonly socket: Socket }[] = [];
    for (const fd of descriptors) adopted.push({ fd, socket: this.#keep(await adoptUdp(fd)) });
    const isForAll = ({ socket }: (typeof adopted)[number]) =>
      [none, "::"].includes(socket.address().address);
    const listeners = adopted.filter(isForAll).map(({ socket }) => socket);
    const { isBesideOthers } = this.#options;
    const listener = isBesideOthers && listeners.length === 1 ? listeners[0] : undefined;
    for (const { fd, socket } of adopted.filter((it) => !isForAll(it))) {
      if (listener === undefined) this.#use(socket, socket.address().address, 67);
      else await this.#broadcastFrom(socket, listener, fd);
    }
    for (const socket of listeners) this.#listenToAll(socket);
  }

  async #broadcastFrom(socket: Socket, listener: Socket, fd?: number): Promise<void> {
    const { address } = socket.address();
    try {
      this.#broadcasters.set(address, await createBroadcaster(socket, fd));
    } catch (error) {
      // systemd may have a socket of an address that is not there, and not served.
      if (this.#options.addresses.some((it) => it.address === address)) throw error;
    }
    this.#senders.set(`${address}:67`, listener);
  }

  #listenToAll(socket: Socket): void {
    onDatagram(socket, (bytes, from) => this.#receiveAtAll(bytes, from));
  }

  #use(socket: Socket, address: string, port: 67 | 4011): void {
    socket.setBroadcast(true);
    onDatagram(socket, (bytes, from) => this.#receive(bytes, [{ port, from, server: address }]));
    this.#senders.set(`${address}:${port}`, socket);
  }

  /** One socket for all addresses: which of them a machine asked is not told. */
  #useForAllOfPxe(socket: Socket): void {
    for (const { address } of this.#options.addresses) {
      this.#senders.set(`${address}:4011`, socket);
    }
    onDatagram(socket, (bytes, from) => {
      sourceAddressFor(from.address).then(
        (server) => this.#receive(bytes, [{ port: 4011, from, server }]),
        // Who cannot be reached cannot be answered.
        () => {},
      );
    });
  }

  /** Sends an answer from the address and port that the question came to. */
  send({ server, port }: PacketInfo, message: DhcpMessage, to: PacketInfo["from"]): void {
    // The server was stopped while the answer was thought of.
    if (this.#isClosed) return;
    const bytes = formatDhcp(message);
    const broadcast = this.#broadcasters.get(server);
    if (broadcast !== undefined && to.address === allClients.address) broadcast(bytes);
    else this.#senders.get(`${server}:${port}`)?.send(bytes, to.port, to.address, () => {});
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.close();
  }

  async #bind(address: string, port: number): Promise<Socket> {
    return this.#keep(await bindUdp(address, port, { reuseAddr: true }));
  }

  #keep(socket: Socket): Socket {
    this.#sockets.push(socket);
    return socket;
  }

  /**
   * The interface that a broadcast came from is not told. Each network gets an answer with its own
   * address in it, and the machine hears the one of its own; a relay's network is known, or the way
   * to it.
   */
  #receiveAtAll(bytes: Buffer, from: PacketInfo["from"]): void {
    const addresses = this.#options.addresses.filter((it) => this.#senders.has(`${it.address}:67`));
    if (addresses.length === 0) return;
    // This server's own question for others like it.
    if (addresses.some(({ address }) => address === from.address)) return;
    const near = addresses.filter((it) => isInNetwork(it, from.address));
    if (from.address === none || addresses.length === 1) this.#receiveFor(addresses, bytes, from);
    else if (near.length > 0) this.#receiveFor(near, bytes, from);
    else void this.#receiveFromAfar(addresses, bytes, from);
  }

  /** A relay that is in none of the served networks sent it to one address, which is not told. */
  async #receiveFromAfar(
    addresses: readonly ServedAddress[],
    bytes: Buffer,
    from: PacketInfo["from"],
  ): Promise<void> {
    const own = await sourceAddressFor(from.address).catch(() => undefined);
    const towards = addresses.filter(({ address }) => address === own);
    this.#receiveFor(towards.length > 0 ? towards : addresses, bytes, from);
  }

  #receiveFor(served: readonly ServedAddress[], bytes: Buffer, from: PacketInfo["from"]): void {
    this.#receive(
      bytes,
      served.map(({ address }) => ({ port: 67, from, server: address })),
    );
  }

  #receive(bytes: Buffer, arrivals: readonly PacketInfo[]): void {
    let request: DhcpMessage;
    try {
      request = parseDhcp(bytes);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#options.onRefused(arrivals[0]!.from.address, error.message);
      return;
    }
    const mac = formatMac(request.hardwareAddress);
    if (this.#rate.admits(mac)) this.#options.onMessage(request, arrivals);
    else this.#options.onRefused(arrivals[0]!.from.address, `${mac} asks too often`);
  }
}
