import { createSocket } from "node:dgram";

/**
 * Finds the address from which this machine sends to another one, according to its routes. Connecting
 * a UDP socket sends nothing.
 * @param remote IPv4, in dotted-decimal notation
 * @throws the error of connect: ENETUNREACH if there is no route
 */
export async function sourceAddressFor(remote: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      // The port does not matter; 9 is "discard" (RFC 863).
      socket.once("connect", resolve).connect(9, remote);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}
