import type { OfferStyle } from "../machines/offer-style.js";
import { noInheritedSockets } from "../net/inherited-sockets.js";
import type { ServedAddress } from "../net/interfaces.js";
import type { BootChooser } from "./boot-choice.js";
import type { BootClient } from "./boot-client.js";
import type { DhcpMessage } from "./message.js";
import type { OfferAddresses } from "./offer-addresses.js";
import type { PacketInfo } from "./packet-info.js";
import { decideProxyReply, type ProxyDecision } from "./proxy-reply.js";
import { DhcpSockets } from "./sockets.js";

export interface ProxyDhcpServerOptions extends BootChooser {
  readonly addresses: readonly ServedAddress[];
  readonly offerAddresses: OfferAddresses;
  onDecision(decision: ProxyDecision, message: DhcpMessage): void;
  /** Called for datagrams that are malformed, and for machines that send too many. */
  onRefused(from: string, reason: string): void;
}

/** Answers beside a DHCP server, on the DHCP port and the PXE port (PXE 2.1, section 2.2). */
export class ProxyDhcpServer {
  readonly #options: ProxyDhcpServerOptions;
  readonly #sockets: DhcpSockets;

  constructor(options: ProxyDhcpServerOptions) {
    this.#options = options;
    this.#sockets = new DhcpSockets({
      addresses: options.addresses,
      offerAddresses: options.offerAddresses,
      sharesPort: true,
      onMessage: (message, packets) => void this.#answer(message, packets),
      onRefused: options.onRefused,
    });
  }

  /**
   * @param inherited sockets from systemd, used instead of new ones
   * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  listen(inherited = noInheritedSockets): Promise<void> {
    return this.#sockets.listen(inherited);
  }

  close(): void {
    this.#sockets.close();
  }

  async #answer(message: DhcpMessage, packets: readonly PacketInfo[]): Promise<void> {
    const { choose, styleFor, onDecision } = this.#options;
    let style: OfferStyle | undefined;
    const chooser: BootChooser = {
      choose: (client, server) => choose(client, server),
      styleFor: (client: BootClient) => {
        style ??= styleFor(client);
        return style;
      },
    };
    for (const [index, packet] of packets.entries()) {
      const decision = await decideProxyReply(message, packet, chooser);
      if (decision.kind === "reply") this.#sockets.send(packet, decision.message, decision.to);
      // One machine asked once, even if the reply goes to several networks.
      if (index === 0) onDecision(decision, message);
    }
  }
}
