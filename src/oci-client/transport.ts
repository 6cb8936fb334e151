import type { Agent } from "undici";
import {
  createAgent,
  exchange,
  type HttpRequest,
  type HttpResponse,
  type Timeouts,
} from "./http-exchange.js";
import { badRedirect, redirectTarget } from "./redirect.js";

export const TIMEOUTS: Timeouts = { connect: 30_000, headers: 60_000, body: 30_000 };
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/** HTTP as registries need it: connections are kept, redirects followed with care. */
export class Transport {
  readonly #userAgent: string;
  readonly #timeouts: Timeouts;
  #agent?: Promise<Agent>;

  constructor(userAgent: string, timeouts = TIMEOUTS) {
    this.#userAgent = userAgent;
    this.#timeouts = timeouts;
  }

  /**
   * Sends a request and follows a GET's redirects, up to five; the answer's `url` says where to.
   *
   * @throws OciClientError REGISTRY_UNREACHABLE, or REGISTRY_ERROR for a redirect not to be followed
   */
  async send(url: URL, request: HttpRequest = {}): Promise<HttpResponse> {
    this.#agent ??= createAgent(this.#timeouts);
    const agent = await this.#agent;
    // Digests are made over the bytes as they are stored, so none may be compressed on the way.
    const fixed = { "user-agent": this.#userAgent, "accept-encoding": "identity" };
    const headers = { ...fixed, ...request.headers };
    let { authorization } = request;
    for (let target = url, redirects = 0; ; redirects++) {
      const response = await exchange(agent, target, { ...request, headers, authorization });
      const location = response.header("location");
      const redirected = REDIRECTS.includes(response.status) && location !== undefined;
      if (!redirected || request.method === "POST") return response;
      await response.discard();
      if (redirects === MAX_REDIRECTS) throw badRedirect(target, "redirects too often");
      const next = redirectTarget(location, target);
      // A storage server behind the registry must not learn the registry's credentials.
      if (next.origin !== target.origin) authorization = undefined;
      target = next;
    }
  }

  /** Ends every connection, also one that a body is still coming from. */
  async close(): Promise<void> {
    const agent = await this.#agent;
    await agent?.destroy();
  }
}
