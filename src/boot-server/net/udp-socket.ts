import { createSocket, type Socket } from "node:dgram";
import { readFile } from "node:fs/promises";

/** Room for the datagrams of a thousand machines that start at the same moment. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2). */
const mappedPrefix = "::ffff:";

/** The address and port of one end of a UDP exchange. */
export interface Endpoint {
  /** IPv4, in dotted-decimal notation. */
  readonly address: string;
  readonly port: number;
}

/**
 * Binds a UDP socket. The socket ignores later send errors: an unreachable client must not stop the
 * server from serving the others.
 * @throws the error of bind: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export function bindUdp(
  address: string,
  port: number,
  { reuseAddr = false } = {},
): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr, lookup: skipLookup });
  return openSocket(socket, (done) => socket.bind({ address, port, exclusive: true }, done));
}

/**
 * Binds a socket to all addresses that receives all broadcasts, but unicast datagrams only if no
 * other program has a socket for that address: it is an IPv6 socket that also accepts IPv4, and
 * Linux prefers IPv4 sockets to such a socket. Among equals, Linux prefers the one bound last.
 * @throws the error of bind: EADDRINUSE, EACCES
 */
export async function bindUdpFallback(port: number): Promise<Socket> {
  const reuseAddr = true;
  const bindIpv4 = () => bindUdp("0.0.0.0", port, { reuseAddr });
  if (!(await ipv6SocketsAcceptIpv4())) return bindIpv4();
  const socket = createSocket({ type: "udp6", reuseAddr, lookup: skipLookupMapped });
  const bind = (done: () => void) => socket.bind({ address: "::", port, exclusive: true }, done);
  return openSocket(socket, bind).catch(bindIpv4);
}

/** False if the system has no IPv6, or if IPv6 sockets accept only IPv6 (net.ipv6.bindv6only). */
async function ipv6SocketsAcceptIpv4(): Promise<boolean> {
  const path = "/proc/sys/net/ipv6/bindv6only";
  const setting = await readFile(path, "latin1").catch(() => undefined);
  return setting?.trim() === "0";
}

/**
 * Uses a socket that another process bound, such as systemd.
 * @param fd its file descriptor
 * @throws the error of bind: EBADF, ERR_INVALID_FD_TYPE if the descriptor is not a UDP socket
 */
export function adoptUdp(fd: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: skipLookup });
  return openSocket(socket, (done) => socket.bind({ fd }, done));
}

/**
 * Connects a socket, so that it sends to one endpoint only and receives only from there.
 * @throws the error of connect: EISCONN, ENETUNREACH, EACCES
 */
export function connectUdp(socket: Socket, { address, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect(port, address, (error?: Error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/**
 * Calls the handler for each datagram that can be answered. Datagrams from port 0 cannot: `send`
 * throws for that port.
 */
export function onDatagram(socket: Socket, handle: (bytes: Buffer, from: Endpoint) => void): void {
  socket.on("message", (bytes, { address, port }) => {
    const isMapped = address.startsWith(mappedPrefix);
    // DHCP and TFTP are served over IPv4 only.
    if (port === 0 || (!isMapped && address.includes(":"))) return;
    handle(bytes, { address: isMapped ? address.slice(mappedPrefix.length) : address, port });
  });
}

async function openSocket(socket: Socket, open: (done: () => void) => void): Promise<Socket> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      open(resolve);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  // The system may limit this further (net.core.rmem_max).
  socket.setRecvBufferSize(receiveBufferBytes);
  return socket.removeAllListeners("error").on("error", () => {});
}

/** Like `skipLookup`, for an IPv6 socket that sends to IPv4 addresses. */
function skipLookupMapped(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address.includes(":") ? address : `${mappedPrefix}${address}`, 6);
}

/**
 * Replaces the name lookup of a socket. The program only sends to addresses, and with Node's own
 * lookup each datagram would leave in a later turn of the event loop.
 */
export function skipLookup(
  address: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, address, 4);
}
