import { createSocket, type Socket } from "node:dgram";

/**
 * A UDP socket that is bound. Errors of sending are passed over from then on: what one client
 * cannot be sent is no reason to stop serving the others.
 * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export function bindUdp(
  address: string,
  port: number,
  { reuseAddr = false } = {},
): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr });
  return opened(socket, (done) => socket.bind({ address, port, exclusive: true }, done));
}

/**
 * The same of a socket that somebody else bound.
 * @param fd its descriptor
 * @throws the error of taking it: EBADF, ERR_INVALID_FD_TYPE where it is no UDP socket
 */
export function adoptUdp(fd: number): Promise<Socket> {
  const socket = createSocket("udp4");
  return opened(socket, (done) => socket.bind({ fd }, done));
}

async function opened(socket: Socket, open: (done: () => void) => void): Promise<Socket> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      open(resolve);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket.removeAllListeners("error").on("error", () => {});
}
