import type { Socket } from "node:dgram";
import { writeSync } from "node:fs";
import { systemCode } from "../../support/index.js";
import { connectUdp } from "../net/udp-socket.js";

/** Where machines without an address are answered (RFC 2131, section 4.1). */
export const allClients = { address: "255.255.255.255", port: 68 } as const;

/** Sends a message to all clients of one network; errors are passed over. */
export type Broadcast = (bytes: Buffer) => void;

/**
 * Has a socket that is bound to one of this machine's addresses send broadcasts from there, out of
 * that address's interface, and receive nothing: Linux would give it what is sent to the address
 * before any socket that is bound to all addresses, and another DHCP server of this machine has
 * such a one.
 * @param fd of a socket that was handed over
 * @throws the error of connect: ENETUNREACH where the address is not there
 */
export async function createBroadcaster(socket: Socket, fd?: number): Promise<Broadcast> {
  // Without this right connect() is refused.
  socket.setBroadcast(true);
  try {
    await connectUdp(socket, allClients);
  } catch (error) {
    // An earlier process that was handed the same socket did it. Node does not know of that, and
    // sends to addresses only.
    if (fd === undefined || systemCode(error) !== "EISCONN") throw error;
    return (bytes) => writeDatagram(fd, bytes);
  }
  return (bytes) => socket.send(bytes, () => {});
}

/** What is written to a socket that is connected is a datagram (udp(7)). */
function writeDatagram(fd: number, bytes: Buffer): void {
  try {
    writeSync(fd, bytes);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
