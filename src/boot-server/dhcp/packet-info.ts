import type { Endpoint } from "../net/udp-socket.js";

/** How a packet arrived. */
export interface PacketInfo {
  readonly port: 67 | 4011;
  readonly from: Endpoint;
  /** The address of this server on the network that the packet came from. */
  readonly server: string;
}

/** The destination of replies to machines without an address (RFC 2131, section 4.1). */
export const allClients: Endpoint = { address: "255.255.255.255", port: 68 };
