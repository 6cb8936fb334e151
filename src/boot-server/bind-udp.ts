import { createSocket, type Socket } from "node:dgram";

/** Bytes of datagrams that may wait: room for a thousand machines that are switched on at once. */
const receiveBuffer = 4 * 1024 * 1024;

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
  const socket = createSocket({ type: "udp4", reuseAddr, lookup: itself });
  return opened(socket, (done) => socket.bind({ address, port, exclusive: true }, done));
}

/**
 * The same of a socket that somebody else bound.
 * @param fd its descriptor
 * @throws the error of taking it: EBADF, ERR_INVALID_FD_TYPE where it is no UDP socket
 */
export function adoptUdp(fd: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: itself });
  return opened(socket, (done) => socket.bind({ fd }, done));
}

/**
 * Has a socket send to one place only, and receive from there only.
 * @throws the error of connect: EISCONN, ENETUNREACH, EACCES
 */
export function connectUdp(
  socket: Socket,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect(port, address, (error?: Error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/**
 * Calls for each datagram that can be answered: some come from port 0, which nothing can be sent to
 * (`send` would throw).
 */
export function onDatagram(
  socket: Socket,
  handle: (bytes: Buffer, from: { readonly address: string; readonly port: number }) => void,
): void {
  socket.on("message", (bytes, from) => {
    if (from.port !== 0) handle(bytes, from);
  });
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
  // The system may give less (net.core.rmem_max).
  socket.setRecvBufferSize(receiveBuffer);
  return socket.removeAllListeners("error").on("error", () => {});
}

/** Only addresses are sent to: Node would look each up, and send in a later turn of the loop. */
export function itself(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address, 4);
}
