import { NetbootError, systemCode } from "../../support/index.js";
import { findPortOwner, type PortOwner } from "./port-owner.js";

/**
 * The error of binding a port, in words that help.
 * @param what the protocol that the port is for: HTTP, or one over UDP
 */
export async function portError(
  error: unknown,
  what: string,
  address: string,
  wanted: number,
): Promise<unknown> {
  // One protocol may have several ports.
  const port = (error as { port?: number }).port ?? wanted;
  const place = `port ${port} of ${address} for ${what}`;
  switch (systemCode(error)) {
    case "EADDRINUSE": {
      const holder = await findPortOwner(what === "HTTP" ? "tcp" : "udp", address, port);
      return new NetbootError(
        "PORT_TAKEN",
        `${holder === undefined ? "Another program" : formatPortOwner(holder)} has ${place}.`,
        holder === undefined
          ? `See which one: sudo ss -lntup 'sport = :${port}'. End it, or leave this part to it.`
          : `End it, or leave this part to it: ${wayOut(what)}.`,
        { cause: error },
      );
    }
    case "EACCES":
      return new NetbootError(
        "PORT_DENIED",
        `An ordinary user may not have ${place}.`,
        `Run it with sudo, or give Node the right once: sudo setcap cap_net_bind_service=+ep ${process.execPath}, or let systemd hand the ports over (README, "Running it for real").`,
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

function wayOut(what: string): string {
  if (what === "HTTP") return "take another port with --http-port";
  return what === "DHCP"
    ? "--dhcp off, or bind-dynamic where it is dnsmasq"
    : "serve other addresses with --listen";
}
