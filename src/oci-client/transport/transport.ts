import { ConnectionConfig, type ConnectionOptions } from "./connection-options.js";
import { Connections } from "./connections.js";
import { exchange, type HttpRequest, type HttpResponse, type Timeouts } from "./http-exchange.js";
import { isAllowed } from "./origin.js";
import { badRedirect, redirectTarget } from "./redirect.js";
import { RegistryOrigins } from "./registry-origins.js";

export const defaultTimeouts: Timeouts = { connectMs: 30_000, headersMs: 60_000, bodyMs: 30_000 };
const maxRedirects = 5;
const redirectStatuses = [301, 302, 303, 307, 308];

/** HTTP as registries need it: connections are kept, redirects followed with care. */
export class Transport {
  readonly settings: ConnectionConfig;
  readonly #userAgent: string;
  readonly #connections: Connections;
  readonly #origins: RegistryOrigins;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  constructor(userAgent: string, timeouts = defaultTimeouts, network?: ConnectionOptions) {
    this.settings = new ConnectionConfig(network);
    this.#userAgent = userAgent;
    this.#connections = new Connections(this.settings, timeouts);
    this.#origins = new RegistryOrigins(this.settings, (url, signal) =>
      this.#exchange(url, { signal }),
    );
  }

  /**
   * Where a registry is spoken to, which for some has to be tried.
   * @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_CONFIG_INVALID
   */
  originOf(registry: string, signal?: AbortSignal): Promise<URL> {
    return this.#origins.of(registry, signal);
  }

  /**
   * Sends a request and follows a GET's redirects, up to five; the answer's `url` says where to.
   * @throws OciClientError REGISTRY_UNREACHABLE, or REGISTRY_ERROR for a redirect not to be followed
   */
  async send(url: URL, request: HttpRequest = {}): Promise<HttpResponse> {
    let { authorization } = request;
    for (let target = url, redirects = 0; ; redirects++) {
      const response = await this.#exchange(target, { ...request, authorization });
      const location = response.header("location");
      const redirected = redirectStatuses.includes(response.status) && location !== undefined;
      if (!redirected || request.method === "POST") return response;
      await response.discard();
      if (redirects === maxRedirects) throw badRedirect(target, "redirects too often");
      const next = redirectTarget(location, target, (each) => this.#isAllowed(each));
      if (request.staysOnHost && next.hostname !== url.hostname) {
        throw badRedirect(target, "redirects to another host");
      }
      // A storage server behind the registry must not learn the registry's credentials.
      if (next.origin !== target.origin) authorization = undefined;
      target = next;
    }
  }

  async #exchange(url: URL, request: HttpRequest): Promise<HttpResponse> {
    // Digests are made over the bytes as they are stored, so none may be compressed on the way.
    const fixed = { "user-agent": this.#userAgent, "accept-encoding": "identity" };
    const headers = { ...fixed, ...request.headers };
    return exchange(await this.#connections.to(url), url, { ...request, headers });
  }

  #isAllowed(url: URL): boolean {
    return isAllowed(url) || (url.protocol === "http:" && this.settings.isInsecure(url));
  }

  /** Ends every connection, also one that a body is still coming from. */
  async close(): Promise<void> {
    await this.#connections.close();
  }
}
