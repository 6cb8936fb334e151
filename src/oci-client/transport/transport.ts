import { ConnectionConfig, type ConnectionOptions } from "./connection-options.js";
import { Connections, type Timeouts } from "./connections.js";
import { exchange, type HttpRequest, type HttpResponse } from "./http-exchange.js";
import { isAllowed } from "./origin.js";
import { badRedirect, redirectTarget } from "./redirect.js";
import { RegistryOrigins } from "./registry-origins.js";

export const defaultTimeouts: Timeouts = { connectMs: 30_000, headersMs: 60_000, bodyMs: 30_000 };
const maxRedirects = 5;
const redirectStatuses = [301, 302, 303, 307, 308];

/** HTTP for registries: keeps connections, and follows only safe redirects. */
export class Transport {
  readonly config: ConnectionConfig;
  readonly #userAgent: string;
  readonly #connections: Connections;
  readonly #origins: RegistryOrigins;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  constructor(userAgent: string, timeouts = defaultTimeouts, network?: ConnectionOptions) {
    this.config = new ConnectionConfig(network);
    this.#userAgent = userAgent;
    this.#connections = new Connections(this.config, timeouts);
    this.#origins = new RegistryOrigins(this.config, (url, signal) =>
      this.#exchange(url, { signal }),
    );
  }

  /**
   * Finds a registry's origin, for some registries by trying.
   * @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_CONFIG_INVALID
   */
  originOf(registry: string, signal?: AbortSignal): Promise<URL> {
    return this.#origins.of(registry, signal);
  }

  /**
   * Sends a request and follows up to five redirects of a GET. The response's `url` is the last one.
   * @throws OciClientError REGISTRY_UNREACHABLE, or REGISTRY_ERROR for a redirect that is not allowed
   */
  async send(url: URL, request: HttpRequest = {}): Promise<HttpResponse> {
    let { authorization } = request;
    for (let target = url, redirects = 0; ; redirects++) {
      const response = await this.#exchange(target, { ...request, authorization });
      const location = response.header("location");
      const isRedirect = redirectStatuses.includes(response.status) && location !== undefined;
      if (!isRedirect || request.method === "POST") return response;
      await response.discard();
      if (redirects === maxRedirects) throw badRedirect(target, "redirects too often");
      const next = redirectTarget(location, target, (each) => this.#isAllowed(each));
      if (request.staysOnHost && next.hostname !== url.hostname) {
        throw badRedirect(target, "redirects to another host");
      }
      // A storage server behind the registry must not receive the registry's credentials.
      if (next.origin !== target.origin) authorization = undefined;
      target = next;
    }
  }

  async #exchange(url: URL, request: HttpRequest): Promise<HttpResponse> {
    // Digests are computed over the stored bytes, so the transfer must not compress them.
    const fixed = { "user-agent": this.#userAgent, "accept-encoding": "identity" };
    const headers = { ...fixed, ...request.headers };
    return exchange(await this.#connections.to(url), url, { ...request, headers });
  }

  #isAllowed(url: URL): boolean {
    return isAllowed(url) || (url.protocol === "http:" && this.config.isInsecure(url));
  }

  /** Closes every connection, even while a body is being read from it. */
  async close(): Promise<void> {
    await this.#connections.close();
  }
}
