import type { Socket } from "node:net";
import type { Dispatcher, Pool } from "undici";
import type { ConnectionConfig, ConnectionSettings } from "./connection-options.js";
import type { Timeouts } from "./http-exchange.js";

/** Connections to one host, all made in the same way. */
export interface Connection {
  dispatcher: Dispatcher;
  /** `HOST:PORT` of the proxy that they go through. */
  via?: string;
  /** What the other side said on TLS when it ended a connection. */
  alert?: Error;
}

/** Keeps connections, for each host those that its settings ask for. */
export class Connections {
  readonly #settings: ConnectionConfig;
  readonly #timeouts: Timeouts;
  readonly #byOrigin = new Map<string, Promise<Connection>>();

  constructor(settings: ConnectionConfig, timeouts: Timeouts) {
    this.#settings = settings;
    this.#timeouts = timeouts;
  }

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  to(url: URL): Promise<Connection> {
    const known = this.#byOrigin.get(url.origin);
    if (known !== undefined) return known;
    const opened = this.#open(url);
    this.#byOrigin.set(url.origin, opened);
    return opened;
  }

  async #open(url: URL): Promise<Connection> {
    const { tls, proxy } = await this.#settings.connectionTo(url);
    // Loaded when first needed: most commands never speak to a registry.
    const { Agent, buildConnector, Pool, ProxyAgent } = await import("undici");
    const { connectMs: timeout, headersMs: headersTimeout, bodyMs: bodyTimeout } = this.#timeouts;
    const timeouts = { headersTimeout, bodyTimeout };
    if (proxy === undefined) {
      const connect = buildConnector({ timeout, ...tls });
      const connection: Connection = {
        dispatcher: new Agent({
          connect: (options, done) =>
            connect(options, (...[error, socket]) => {
              if (socket) rememberAlert(socket, connection);
              done(...([error, socket] as Parameters<typeof done>));
            }),
          ...timeouts,
        }),
      };
      return connection;
    }
    const dispatcher = new ProxyAgent({
      uri: proxy.url.href,
      ...(proxy.authorization !== undefined && { token: proxy.authorization }),
      // Plain HTTP is asked of the proxy itself, as curl does: many allow tunnels to port 443 only.
      proxyTunnel: url.protocol === "https:",
      requestTls: { timeout, ...tls },
      proxyTls: { timeout, ...contextOf(proxy) },
      // Without this, undici forgets the time limits where there is no tunnel.
      factory: (origin: string | URL, options: object): Pool =>
        new Pool(origin, { ...timeouts, ...options }),
      ...timeouts,
    });
    return { dispatcher, via: proxy.url.host };
  }

  /** Ends every connection, also one that a body is still coming from. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#byOrigin.values());
    const dispatchers = opened.flatMap((each) =>
      each.status === "fulfilled" ? [each.value.dispatcher.destroy()] : [],
    );
    await Promise.allSettled(dispatchers);
  }
}

/** With TLS 1.3 a refused client certificate comes after the handshake, and undici loses it. */
function rememberAlert(socket: Socket, connection: Connection): void {
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith("ERR_SSL_")) connection.alert = error;
  });
}

function contextOf({ secureContext }: NonNullable<ConnectionSettings["proxy"]>) {
  return secureContext && { secureContext };
}
