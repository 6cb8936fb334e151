import type { Socket } from "node:net";
import type { Dispatcher, Pool } from "undici";
import type { ConnectionConfig, ConnectionSettings } from "./connection-options.js";

export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the response's headers. */
  readonly headersMs: number;
  /** Between two chunks of the body. */
  readonly bodyMs: number;
}

/** The connections to one host. */
export interface Connection {
  readonly dispatcher: Dispatcher;
  /** `HOST:PORT` of the proxy, if there is one. */
  readonly via?: string;
  /** The TLS alert with which the host last closed a connection. */
  alert?: Error;
}

/** Keeps the connections to each host. */
export class Connections {
  readonly #config: ConnectionConfig;
  readonly #timeouts: Timeouts;
  readonly #byOrigin = new Map<string, Promise<Connection>>();

  constructor(config: ConnectionConfig, timeouts: Timeouts) {
    this.#config = config;
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
    const { tls, proxy } = await this.#config.settingsFor(url);
    // Loaded on first use: most commands never connect to a registry.
    const { Agent, buildConnector, Pool, ProxyAgent } = (await import("undici")).default;
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
      // Without TLS the proxy gets the request itself, as from curl: many allow tunnels to port 443 only.
      proxyTunnel: url.protocol === "https:",
      requestTls: { timeout, ...tls },
      proxyTls: { timeout, ...contextOf(proxy) },
      // Without this, undici ignores the timeouts if there is no tunnel.
      factory: (origin: string | URL, options: object): Pool =>
        new Pool(origin, { ...timeouts, ...options }),
      ...timeouts,
    });
    return { dispatcher, via: proxy.url.host };
  }

  /** Closes every connection, even while a body is being read from it. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#byOrigin.values());
    const dispatchers = opened.flatMap((each) =>
      each.status === "fulfilled" ? [each.value.dispatcher.destroy()] : [],
    );
    await Promise.allSettled(dispatchers);
  }
}

/** With TLS 1.3 a server refuses a client certificate after the handshake, and undici loses the alert. */
function rememberAlert(socket: Socket, connection: Connection): void {
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith("ERR_SSL_")) connection.alert = error;
  });
}

function contextOf({ secureContext }: NonNullable<ConnectionSettings["proxy"]>) {
  return secureContext && { secureContext };
}
