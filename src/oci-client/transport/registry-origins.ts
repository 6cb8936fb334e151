import { OciClientError } from "../core/oci-client-error.js";
import { SingleFlight } from "../core/single-flight.js";
import type { ConnectionConfig } from "./connection-options.js";
import type { HttpResponse } from "./http-exchange.js";
import { isNoTls } from "./network-error.js";
import { registryOrigin } from "./origin.js";

type Ask = (url: URL, signal?: AbortSignal) => Promise<HttpResponse>;

/**
 * Finds out where registries are spoken to. For most their name says it. One that was named insecure
 * is tried by HTTPS and then by plain HTTP, as podman does; so is one of this machine for which TLS was
 * set up, but its certificate has to be right.
 */
export class RegistryOrigins {
  readonly #settings: ConnectionConfig;
  readonly #ask: Ask;
  readonly #found = new SingleFlight<URL>();

  constructor(settings: ConnectionConfig, ask: Ask) {
    this.#settings = settings;
    this.#ask = ask;
  }

  /** @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_CONFIG_INVALID */
  of(registry: string, signal?: AbortSignal): Promise<URL> {
    return this.#found.get(registry, (shared) => this.#find(registry, shared), signal);
  }

  async #find(registry: string, signal: AbortSignal): Promise<URL> {
    const customary = registryOrigin(registry);
    const [https, http] = ["https:", "http:"].map(
      (scheme) => new URL(customary.href.replace(/^https?:/, scheme)),
    ) as [URL, URL];
    const isInsecure = this.#settings.isInsecure(https) || this.#settings.isInsecure(http);
    if (!isInsecure) {
      const isPlain = customary.protocol === "http:" && !(await this.#settings.wantsTls(https));
      if (isPlain || customary.protocol === "https:") return customary;
    }
    try {
      return await this.#answering(https, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(isInsecure ? isUnreachable(error) : isNoTls(error))) throw error;
      return this.#answering(http, signal);
    }
  }

  /** Any answer will do. */
  async #answering(origin: URL, signal: AbortSignal): Promise<URL> {
    const response = await this.#ask(new URL("/v2/", origin), signal);
    await response.discard();
    return origin;
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof OciClientError && error.code === "REGISTRY_UNREACHABLE";
}
