import type { Socket } from "node:dgram";
import { writeSync } from "node:fs";
import { systemCode } from "../../support/index.js";
import { connectUdp } from "../net/udp-socket.js";
import { allClients } from "./packet-info.js";

/** Sends a message to all clients of one network and ignores errors. */
export type Broadcast = (bytes: Buffer) => void;

/**
 * Makes a socket send broadcasts only. The socket is bound to one of this machine's addresses, so its
 * broadcasts leave through the interface of that address. Connecting the socket keeps it from
 * receiving: otherwise Linux would prefer it to the socket of another DHCP server on this machine
 * that is bound to all addresses, and that server would miss its unicast requests.
 * @param fd the file descriptor, if systemd passed the socket
 * @throws the error of connect: ENETUNREACH if this machine lacks the address
 */
export async function createBroadcaster(socket: Socket, fd?: number): Promise<Broadcast> {
  // connect() fails without this permission.
  socket.setBroadcast(true);
  try {
    await connectUdp(socket, allClients);
  } catch (error) {
    // An earlier process that systemd passed the same socket to has connected it. Node does not know
    // that, and can only send with an explicit address, which the kernel refuses.
    if (fd === undefined || systemCode(error) !== "EISCONN") throw error;
    return (bytes) => writeDatagram(fd, bytes);
  }
  return (bytes) => socket.send(bytes, () => {});
}

/** Writing to a connected UDP socket sends a datagram (udp(7)). */
function writeDatagram(fd: number, bytes: Buffer): void {
  try {
    writeSync(fd, bytes);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
