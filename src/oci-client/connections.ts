import type { Dispatcher, Pool } from "undici";
import type { Timeouts } from "./http-exchange.js";
import type { ConnectionSettings, NetworkSettings } from "./network-settings.js";

/** Connections to one host, all made in the same way. */
export interface Connection {
  dispatcher: Dispatcher;
  /** `HOST:PORT` of the proxy that they go through. */
  via?: string;
}

/** Keeps connections, for each host those that its settings ask for. */
export class Connections {
  readonly #settings: NetworkSettings;
  readonly #timeouts: Timeouts;
  readonly #byOrigin = new Map<string, Promise<Connection>>();

  constructor(settings: NetworkSettings, timeouts: Timeouts) {
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
    const { Agent, Pool, ProxyAgent } = await import("undici");
    const { connect: timeout, headers: headersTimeout, body: bodyTimeout } = this.#timeouts;
    const timeouts = { headersTimeout, bodyTimeout };
    if (proxy === undefined) {
      return { dispatcher: new Agent({ connect: { timeout, ...tls }, ...timeouts }) };
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

function contextOf({ secureContext }: NonNullable<ConnectionSettings["proxy"]>) {
  return secureContext && { secureContext };
}
