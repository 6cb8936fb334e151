import { NetbootError, systemCode } from "../support/index.js";

/**
 * The error of binding a port, in words that help.
 * @param what the protocol that the port is for
 */
export function portError(error: unknown, what: string, address: string, port: number): unknown {
  const place = `port ${port} of ${address} for ${what}`;
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return new NetbootError(
        "PORT_TAKEN",
        `Another program has ${place}.`,
        `See which one: ss -lntup 'sport = :${port}'. End it, or leave this part to it.`,
        { cause: error },
      );
    case "EACCES":
      return new NetbootError(
        "PORT_DENIED",
        `An ordinary user may not have ${place}.`,
        `Run it with sudo, or give Node the right once: sudo setcap cap_net_bind_service=+ep ${process.execPath}`,
        { cause: error },
      );
    default:
      return error;
  }
}
