import type { OfferStyle } from "../machines/offer-style.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import type { ServedAddress } from "../net/interfaces.js";
import type { BootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import {
  type BootChoice,
  type BootRequest,
  type NoReply,
  type PacketInfo,
  type ProxyDecision,
  readBootRequest,
  replyToBootRequest,
} from "./proxy-reply.js";
import { DhcpSockets } from "./sockets.js";

export interface ProxyDhcpServerOptions {
  readonly addresses: readonly ServedAddress[];
  /** What a machine is to boot, from the address that it can reach. */
  choose(client: BootClient, server: string): BootChoice | Promise<BootChoice>;
  /** Called once for each time that a machine asks. */
  styleFor(client: BootClient): OfferStyle;
  onAnswer(answer: ProxyDecision, request: DhcpMessage): void;
  /** Told of datagrams that are not answered: no DHCP messages, or too many of a machine. */
  onRefused(from: string, reason: string): void;
}

/** Answers beside a DHCP server, on its port and on that of PXE (PXE 2.1, section 2.2). */
export class ProxyDhcpServer {
  readonly #options: ProxyDhcpServerOptions;
  readonly #sockets: DhcpSockets;

  constructor(options: ProxyDhcpServerOptions) {
    this.#options = options;
    this.#sockets = new DhcpSockets({
      addresses: options.addresses,
      isBesideOthers: true,
      onMessage: (request, arrivals) => void this.#answer(request, arrivals),
      onRefused: options.onRefused,
    });
  }

  /**
   * @param inherited sockets that are bound already, which are used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  listen(inherited = noInheritedSockets): Promise<void> {
    return this.#sockets.listen(inherited);
  }

  close(): void {
    this.#sockets.close();
  }

  async #answer(request: DhcpMessage, arrivals: readonly PacketInfo[]): Promise<void> {
    let style: OfferStyle | undefined;
    for (const [index, arrival] of arrivals.entries()) {
      const answer = await this.#replyTo(
        readBootRequest(request, arrival),
        (client) => (style ??= this.#options.styleFor(client)),
      );
      if (answer.kind === "reply") this.#sockets.send(arrival, answer.message, answer.to);
      // One machine asked once, however many networks are answered.
      if (index === 0) this.#options.onAnswer(answer, request);
    }
  }

  async #replyTo(
    question: BootRequest | NoReply,
    styleFor: (client: BootClient) => OfferStyle,
  ): Promise<ProxyDecision> {
    if (question.kind === "no-reply") return question;
    const choice = await this.#options.choose(question.client, question.arrival.server);
    return replyToBootRequest(question, choice, styleFor);
  }
}
