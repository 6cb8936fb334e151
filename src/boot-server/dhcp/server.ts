import type { Socket } from "node:dgram";
import { bindUdp } from "../bind-udp.js";
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

  /** @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL */
  async listen(): Promise<void> {
    // Broadcasts come to this one only; a DHCP server on this machine may have another like it.
    const receiver = await this.#bind("0.0.0.0", 67);
    receiver.on("message", (bytes, from) => this.#receiveBroadcast(bytes, from));
    for (const { address } of this.#options.addresses) {
      const sender = await this.#bind(address, 67);
      sender.setBroadcast(true);
      sender.on("message", (bytes, from) =>
        this.#receive(bytes, [{ port: 67, from, server: address }]),
      );
      this.#senders.set(address, sender);
      const pxe = await this.#bind(address, 4011);
      pxe.on("message", (bytes, from) =>
        this.#receive(bytes, [{ port: 4011, from, server: address }], pxe),
      );
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
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
    const { addresses } = this.#options;
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
