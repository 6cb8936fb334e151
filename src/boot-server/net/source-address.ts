import { createSocket } from "node:dgram";

/**
 * This machine's own address on the way to another one, as its routes say: what a socket bound to
 * all addresses would send from. Nothing is sent.
 * @param remote IPv4, in dotted decimals
 * @throws the error of connect: ENETUNREACH where there is no way
 */
export async function sourceAddressFor(remote: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      // Discard (RFC 863): any port will do.
      socket.once("connect", resolve).connect(9, remote);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}
