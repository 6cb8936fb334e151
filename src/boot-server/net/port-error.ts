import { NetbootError, systemCode } from "../../support/index.js";
import { findPortOwner, type PortOwner } from "./port-owner.js";

/**
 * Turns an error of binding a port into one that says which program is in the way, and what to do.
 * @param what the protocol that the port is for: HTTP, or one over UDP
 * @returns a NetbootError PORT_TAKEN or PORT_DENIED, or the error itself
 */
export async function explainPortError(
  error: unknown,
  what: string,
  address: string,
  wanted: number,
): Promise<unknown> {
  // DHCP uses several ports: the error knows which one failed.
  const port = (error as { port?: number }).port ?? wanted;
  const place = `port ${port} of ${address} for ${what}`;
  switch (systemCode(error)) {
    case "EADDRINUSE": {
      const owner = await findPortOwner(what === "HTTP" ? "tcp" : "udp", address, port);
      return new NetbootError(
        "PORT_TAKEN",
        `${owner === undefined ? "Another program" : formatPortOwner(owner)} uses ${place}.`,
        owner === undefined
          ? `Find it with: sudo ss -lntup 'sport = :${port}'. Stop that program, or turn this protocol off here.`
          : `Stop that program, or avoid the conflict: ${workaroundFor(what)}.`,
        { cause: error },
      );
    }
    case "EACCES":
      return new NetbootError(
        "PORT_DENIED",
        `An ordinary user may not use ${place}.`,
        `Run the program with sudo, or allow Node to use such ports: sudo setcap cap_net_bind_service=+ep ${process.execPath}, or let systemd open the ports (socket activation).`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** `dnsmasq (pid 812)` */
export function formatPortOwner({ name, pid }: PortOwner): string {
  return `${name} (pid ${pid})`;
}

function workaroundFor(what: string): string {
  if (what === "HTTP") return "choose another port with --http-port";
  return what === "DHCP"
    ? "use --dhcp off, or, if that program is dnsmasq, set bind-dynamic in its configuration"
    : "serve other addresses with --listen";
}
