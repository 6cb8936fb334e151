import { createSocket, type Socket } from "node:dgram";
import { readFile } from "node:fs/promises";

/** Bytes of datagrams that may wait: room for a thousand machines that are switched on at once. */
const receiveBuffer = 4 * 1024 * 1024;

const mappedPrefix = "::ffff:";

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
  const socket = createSocket({ type: "udp4", reuseAddr, lookup: skipLookup });
  return opened(socket, (done) => socket.bind({ address, port, exclusive: true }, done));
}

/**
 * One for all addresses, which hears all broadcasts, and gets what is sent to one address only where
 * no other program has a socket for it: Linux prefers those of IPv4 to those of IPv6 that take IPv4,
 * too, and among equals the one that was bound last.
 * @throws the error of bind: EADDRINUSE, EACCES
 */
export async function bindUdpFallback(port: number): Promise<Socket> {
  const reuseAddr = true;
  const likeOthers = () => bindUdp("0.0.0.0", port, { reuseAddr });
  if (!(await takesBothFamilies())) return likeOthers();
  const socket = createSocket({ type: "udp6", reuseAddr, lookup: skipLookupMapped });
  const bind = (done: () => void) => socket.bind({ address: "::", port, exclusive: true }, done);
  return opened(socket, bind).catch(likeOthers);
}

/** False where there is no IPv6, or its sockets take nothing else (net.ipv6.bindv6only). */
async function takesBothFamilies(): Promise<boolean> {
  const path = "/proc/sys/net/ipv6/bindv6only";
  const setting = await readFile(path, "latin1").catch(() => undefined);
  return setting?.trim() === "0";
}

/**
 * The same of a socket that somebody else bound.
 * @param fd its descriptor
 * @throws the error of taking it: EBADF, ERR_INVALID_FD_TYPE where it is no UDP socket
 */
export function adoptUdp(fd: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: skipLookup });
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
  socket.on("message", (bytes, { address, port }) => {
    const isMapped = address.startsWith(mappedPrefix);
    // To DHCP and TFTP, which are served by IPv4, nobody comes by IPv6.
    if (port === 0 || (!isMapped && address.includes(":"))) return;
    handle(bytes, { address: isMapped ? address.slice(mappedPrefix.length) : address, port });
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

/** An IPv4 address as sockets of IPv6 have it (RFC 4291, section 2.5.5.2). */
function skipLookupMapped(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address.includes(":") ? address : `${mappedPrefix}${address}`, 6);
}

/** Only addresses are sent to: Node would look each up, and send in a later turn of the loop. */
export function skipLookup(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address, 4);
}
