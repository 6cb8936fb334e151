import type { Socket } from "node:dgram";
import { adoptUdp, bindUdp } from "../bind-udp.js";
import { noSockets } from "../inherited-sockets.js";
import { localAddressTowards } from "../local-address.js";
import { isInNetwork, type ServedAddress } from "../network.js";
import { PacketError } from "../packet-error.js";
import type { BootClient } from "./client.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "./message.js";
import {
  type Arrival,
  answerQuestion,
  type BootChoice,
  type OfferStyle,
  type ProxyAnswer,
  type Question,
  readQuestion,
  type Silence,
} from "./proxy.js";

export interface ProxyDhcpOptions {
  readonly addresses: readonly ServedAddress[];
  /** What a machine is to boot, from the address that it can reach. */
  choose(client: BootClient, server: string): BootChoice | Promise<BootChoice>;
  /** Called once for each time that a machine asks. */
  styleFor(client: BootClient): OfferStyle;
  onAnswer(answer: ProxyAnswer, request: DhcpMessage): void;
  /** Told of datagrams that are no DHCP messages. */
  onMalformed(from: string, reason: string): void;
}

/** Answers beside a DHCP server, on its port and on that of PXE (PXE 2.1, section 2.2). */
export class ProxyDhcpServer {
  readonly #options: ProxyDhcpOptions;
  readonly #sockets: Socket[] = [];
  /** For each address one socket, which sends from it and out of its interface. */
  readonly #senders = new Map<string, Socket>();

  constructor(options: ProxyDhcpOptions) {
    this.#options = options;
  }

  /**
   * @param inherited sockets that are bound already, which are used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen({ dhcp, pxe } = noSockets): Promise<void> {
    for (const fd of pxe) await this.#adoptPxe(fd);
    if (pxe.length === 0) await this.#listenForPxe();
    for (const fd of dhcp) await this.#adopt(fd);
    if (dhcp.length === 0) await this.#listenForDhcp();
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #listenForDhcp(): Promise<void> {
    // Broadcasts come to this one only; a DHCP server on this machine may have another like it.
    const receiver = await this.#bind("0.0.0.0", 67);
    this.#receiveOn(receiver);
    for (const { address } of this.#options.addresses) {
      this.#sendOn(await this.#bind(address, 67), address);
    }
  }

  #receiveOn(receiver: Socket): void {
    receiver.on("message", (bytes, from) => this.#receiveBroadcast(bytes, from));
  }

  #sendOn(sender: Socket, address: string): void {
    sender.setBroadcast(true);
    sender.on("message", (bytes, from) =>
      this.#receive(bytes, [{ port: 67, from, server: address }]),
    );
    this.#senders.set(address, sender);
  }

  async #listenForPxe(): Promise<void> {
    for (const { address } of this.#options.addresses) {
      const pxe = await this.#bind(address, 4011);
      pxe.on("message", (bytes, from) =>
        this.#receive(bytes, [{ port: 4011, from, server: address }], pxe),
      );
    }
  }

  /** One that is bound to all addresses hears broadcasts; one that is bound to its own sends. */
  async #adopt(fd: number): Promise<void> {
    const socket = await adoptUdp(fd);
    this.#sockets.push(socket);
    const { address } = socket.address();
    if (address === "0.0.0.0") this.#receiveOn(socket);
    else this.#sendOn(socket, address);
  }

  async #adoptPxe(fd: number): Promise<void> {
    const pxe = await adoptUdp(fd);
    this.#sockets.push(pxe);
    pxe.on("message", (bytes, from) => {
      localAddressTowards(from.address).then(
        (server) => this.#receive(bytes, [{ port: 4011, from, server }], pxe),
        // Who cannot be reached cannot be answered.
        () => {},
      );
    });
  }

  async #bind(address: string, port: number): Promise<Socket> {
    const socket = await bindUdp(address, port, { reuseAddr: true });
    this.#sockets.push(socket);
    return socket;
  }

  /**
   * The interface that a broadcast came from is not told. Each network gets an answer with its own
   * address in it, and the machine hears the one of its own; a relay's network is known.
   */
  #receiveBroadcast(bytes: Buffer, from: Arrival["from"]): void {
    const addresses = this.#options.addresses.filter((it) => this.#senders.has(it.address));
    if (addresses.length === 0) return;
    const near = addresses.filter(
      (it) => from.address !== "0.0.0.0" && isInNetwork(it, from.address),
    );
    const served = near.length > 0 ? near : addresses;
    this.#receive(
      bytes,
      served.map(({ address }) => ({ port: 67, from, server: address })),
    );
  }

  #receive(bytes: Buffer, arrivals: readonly Arrival[], socket?: Socket): void {
    let request: DhcpMessage;
    try {
      request = parseDhcp(bytes);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#options.onMalformed(arrivals[0]!.from.address, error.message);
      return;
    }
    void this.#answer(request, arrivals, socket);
  }

  async #answer(
    request: DhcpMessage,
    arrivals: readonly Arrival[],
    socket: Socket | undefined,
  ): Promise<void> {
    let style: OfferStyle | undefined;
    for (const [index, arrival] of arrivals.entries()) {
      const answer = await this.#answerTo(
        readQuestion(request, arrival),
        (client) => (style ??= this.#options.styleFor(client)),
      );
      if (answer.kind === "reply") {
        const { address, port } = answer.to;
        const sender = socket ?? this.#senders.get(arrival.server)!;
        sender.send(formatDhcp(answer.message), port, address, () => {});
      }
      // One machine asked once, however many networks are answered.
      if (index === 0) this.#options.onAnswer(answer, request);
    }
  }

  async #answerTo(
    question: Question | Silence,
    styleFor: (client: BootClient) => OfferStyle,
  ): Promise<ProxyAnswer> {
    if (question.kind === "silence") return question;
    const choice = await this.#options.choose(question.client, question.arrival.server);
    return answerQuestion(question, choice, styleFor);
  }
}
