import { createSocket, type Socket } from "node:dgram";

/** Bytes of datagrams that may wait: room for a thousand machines that are switched on at once. */
const receiveBuffer = 4 * 1024 * 1024;

/**
 * A UDP socket that is bound. Errors of sending are passed over from then on: what one client
 * cannot be sent is no reason to stop serving the others.
 * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export async function bindUdp(
  address: string,
  port: number,
  { reuseAddr = false } = {},
): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr, lookup: itself });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject).bind({ address, port, exclusive: true }, resolve);
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
