import { OciClientError } from "../core/oci-client-error.js";
import { SingleFlight } from "../core/single-flight.js";
import type { ConnectionConfig } from "./connection-options.js";
import type { HttpResponse } from "./http-exchange.js";
import { isPlainHttpAnswer } from "./network-error.js";
import { registryOrigin } from "./origin.js";

type Request = (url: URL, signal?: AbortSignal) => Promise<HttpResponse>;

/**
 * Finds the origins of registries. For most registries the name determines it. For an insecure registry
 * HTTPS is tried first and then plain HTTP, as podman does; so it is for a registry on this machine with
 * TLS settings, but that one's certificate must be valid.
 */
export class RegistryOrigins {
  readonly #config: ConnectionConfig;
  readonly #request: Request;
  readonly #found = new SingleFlight<URL>();

  constructor(config: ConnectionConfig, request: Request) {
    this.#config = config;
    this.#request = request;
  }

  /** @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_CONFIG_INVALID */
  of(registry: string, signal?: AbortSignal): Promise<URL> {
    return this.#found.get(registry, (shared) => this.#find(registry, shared), signal);
  }

  async #find(registry: string, signal: AbortSignal): Promise<URL> {
    const usual = registryOrigin(registry);
    const [https, http] = ["https:", "http:"].map(
      (scheme) => new URL(usual.href.replace(/^https?:/, scheme)),
    ) as [URL, URL];
    const isInsecure = this.#config.isInsecure(https) || this.#config.isInsecure(http);
    if (!isInsecure) {
      const isPlain = usual.protocol === "http:" && !(await this.#config.wantsTls(https));
      if (isPlain || usual.protocol === "https:") return usual;
    }
    try {
      return await this.#probe(https, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(isInsecure ? isUnreachable(error) : isPlainHttpAnswer(error))) throw error;
      return this.#probe(http, signal);
    }
  }

  /** Accepts any response. */
  async #probe(origin: URL, signal: AbortSignal): Promise<URL> {
    const response = await this.#request(new URL("/v2/", origin), signal);
    await response.discard();
    return origin;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof OciClientError && error.code === "REGISTRY_UNREACHABLE";
}
