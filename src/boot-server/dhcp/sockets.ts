import type { Socket } from "node:dgram";
import { formatMac } from "../net/address.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import { isInNetwork, type ServedAddress } from "../net/interfaces.js";
import { PacketError } from "../net/packet-error.js";
import { RateLimit } from "../net/rate-limit.js";
import { sourceAddressFor } from "../net/source-address.js";
import {
  adoptUdp,
  bindUdp,
  bindUdpFallback,
  type Endpoint,
  onDatagram,
} from "../net/udp-socket.js";
import { type Broadcast, createBroadcaster } from "./broadcaster.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "./message.js";
import type { OfferAddresses } from "./offer-addresses.js";
import { allClients, type PacketInfo } from "./packet-info.js";

/** A booting machine sends about ten messages in a few seconds: firmware, iPXE, and the system. */
const rateLimit = { burst: 30, perSecond: 5 };

const none = "0.0.0.0";

export interface DhcpSocketsOptions {
  readonly addresses: readonly ServedAddress[];
  /** The addresses that reply to broadcasts. */
  readonly offerAddresses: OfferAddresses;
  /** True if unicast datagrams to port 67 belong to a DHCP server that may run on this machine. */
  readonly sharesPort: boolean;
  /** Called with a message and the ways it may have arrived: one per served address, at least one. */
  onMessage(message: DhcpMessage, packets: readonly PacketInfo[]): void;
  /** Called for datagrams that are malformed, and for machines that send too many. */
  onRefused(from: string, reason: string): void;
}

/** The DHCP and PXE ports (PXE 2.1, section 2.2): parses what arrives and sends replies. */
export class DhcpSockets {
  readonly #options: DhcpSocketsOptions;
  readonly #sockets: Socket[] = [];
  /** The socket for unicast replies, per `ADDRESS:PORT` that they come from. */
  readonly #senders = new Map<string, Socket>();
  /** The way to reach clients without an address, per served address. */
  readonly #broadcasters = new Map<string, Broadcast>();
  /** Limits each hardware address. */
  readonly #rate = new RateLimit(rateLimit);
  #isClosed = false;

  constructor(options: DhcpSocketsOptions) {
    this.#options = options;
  }

  /**
   * @param inherited sockets from systemd, used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen({ dhcp, pxe } = noInheritedSockets): Promise<void> {
    for (const fd of pxe) this.#usePxeForAllAddresses(this.#keep(await adoptUdp(fd)));
    if (dhcp.length > 0) await this.#adoptDhcpSockets(dhcp);
    else await this.#bindDhcpSockets();
    if (pxe.length > 0) return;
    for (const { address } of this.#options.addresses) {
      this.#use(await this.#bind(address, 4011), address, 4011);
    }
  }

  async #bindDhcpSockets(): Promise<void> {
    const { addresses, sharesPort } = this.#options;
    const listener = this.#keep(await bindUdpFallback(67));
    for (const { address } of addresses) {
      const socket = await this.#bind(address, 67);
      if (sharesPort) await this.#broadcastFrom(socket, listener);
      else this.#use(socket, address, 67);
    }
    this.#useForAllAddresses(listener);
  }

  /**
   * The socket for all addresses receives broadcasts, and the sockets for single addresses send them.
   * Without exactly one socket for all addresses (it may be missing, or there may be one per
   * interface), the sockets for single addresses must receive as well.
   */
  async #adoptDhcpSockets(descriptors: readonly number[]): Promise<void> {
    const adopted: { readonly fd: number; readonly socket: Socket }[] = [];
    for (const fd of descriptors) adopted.push({ fd, socket: this.#keep(await adoptUdp(fd)) });
    const isForAll = ({ socket }: (typeof adopted)[number]) =>
      [none, "::"].includes(socket.address().address);
    const listeners = adopted.filter(isForAll).map(({ socket }) => socket);
    const { sharesPort } = this.#options;
    const listener = sharesPort && listeners.length === 1 ? listeners[0] : undefined;
    for (const { fd, socket } of adopted.filter((it) => !isForAll(it))) {
      if (listener === undefined) this.#use(socket, socket.address().address, 67);
      else await this.#broadcastFrom(socket, listener, fd);
    }
    for (const socket of listeners) this.#useForAllAddresses(socket);
  }

  async #broadcastFrom(socket: Socket, listener: Socket, fd?: number): Promise<void> {
    const { address } = socket.address();
    try {
      this.#broadcasters.set(address, await createBroadcaster(socket, fd));
    } catch (error) {
      // systemd may have bound an address that this machine lacks and the server does not serve.
      if (this.#options.addresses.some((it) => it.address === address)) throw error;
    }
    this.#senders.set(`${address}:67`, listener);
  }

  #useForAllAddresses(socket: Socket): void {
    onDatagram(socket, (bytes, from) => this.#receiveOnAllAddresses(bytes, from));
  }

  #use(socket: Socket, address: string, port: 67 | 4011): void {
    socket.setBroadcast(true);
    onDatagram(socket, (bytes, from) => this.#receive(bytes, { port, from, server: address }, []));
    this.#senders.set(`${address}:${port}`, socket);
  }

  /** Uses one socket for all addresses. It does not tell which of them a machine asked. */
  #usePxeForAllAddresses(socket: Socket): void {
    for (const { address } of this.#options.addresses) {
      this.#senders.set(`${address}:4011`, socket);
    }
    onDatagram(socket, (bytes, from) => {
      sourceAddressFor(from.address).then(
        (server) => this.#receive(bytes, { port: 4011, from, server }, []),
        // Without a route to the machine, there is no way to answer it.
        () => {},
      );
    });
  }

  /** Sends a reply from the address and port that the request came to. */
  send({ server, port }: PacketInfo, message: DhcpMessage, to: Endpoint): void {
    // The server may stop while it decides the reply.
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
   * Node does not tell which interface a broadcast arrived on. Each network gets a reply with the
   * server's address there, and the machine hears the reply on its own network. For a relay, its
   * address or the route to it says which network it is in.
   */
  #receiveOnAllAddresses(bytes: Buffer, from: Endpoint): void {
    const addresses = this.#options.addresses.filter((it) => this.#senders.has(`${it.address}:67`));
    // Ignore the server's own discovery of other servers.
    if (addresses.some(({ address }) => address === from.address)) return;
    const near = addresses.filter((it) => isInNetwork(it, from.address));
    if (addresses.length === 1) this.#receiveFor(addresses, bytes, from);
    else if (from.address === none)
      this.#receiveFor(this.#replyingAddresses(addresses), bytes, from);
    else if (near.length > 0) this.#receiveFor(near, bytes, from);
    else void this.#receiveFromRemote(addresses, bytes, from);
  }

  #replyingAddresses(usable: readonly ServedAddress[]): readonly ServedAddress[] {
    const { current } = this.#options.offerAddresses;
    const chosen = usable.filter((it) => current.some(({ address }) => address === it.address));
    return chosen.length > 0 ? chosen : usable;
  }

  /** A relay outside the served networks sent a datagram to one of the addresses. */
  async #receiveFromRemote(
    addresses: readonly ServedAddress[],
    bytes: Buffer,
    from: Endpoint,
  ): Promise<void> {
    const own = await sourceAddressFor(from.address).catch(() => undefined);
    const onRoute = addresses.filter(({ address }) => address === own);
    this.#receiveFor(onRoute.length > 0 ? onRoute : addresses, bytes, from);
  }

  #receiveFor(served: readonly ServedAddress[], bytes: Buffer, from: Endpoint): void {
    const [first, ...others] = served.map(
      ({ address }): PacketInfo => ({ port: 67, from, server: address }),
    );
    if (first !== undefined) this.#receive(bytes, first, others);
  }

  #receive(bytes: Buffer, packet: PacketInfo, others: readonly PacketInfo[]): void {
    let message: DhcpMessage;
    try {
      message = parseDhcp(bytes);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#options.onRefused(packet.from.address, error.message);
      return;
    }
    const mac = formatMac(message.hardwareAddress);
    if (this.#rate.admits(mac)) this.#options.onMessage(message, [packet, ...others]);
    else this.#options.onRefused(packet.from.address, `${mac} sends too many requests`);
  }
}
