import { createSocket, type Socket } from "node:dgram";

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
  const socket = createSocket({ type: "udp4", reuseAddr });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject).bind({ address, port, exclusive: true }, resolve);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket.removeAllListeners("error").on("error", () => {});
}
