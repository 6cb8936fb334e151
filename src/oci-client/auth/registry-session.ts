import type { OciClientError } from "../core/oci-client-error.js";
import type { Reference } from "../core/reference.js";
import type { HttpResponse } from "../transport/http-exchange.js";
import { responseError } from "../transport/response-error.js";
import type { Transport } from "../transport/transport.js";
import { Authorizer, type Grant } from "./authorization.js";
import type { CredentialStore } from "./credentials.js";

/** A GET below a repository's address. */
export interface RepositoryRequest {
  kind: "manifest" | "blob" | "referrer";
  /** The tag or digest asked for. */
  target: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A registry's answer, of any status. */
export interface RegistryAnswer {
  response: HttpResponse;
  /** What the answer says if it is not the one wanted; reads its body. */
  error(): Promise<OciClientError>;
}

/** Asks repositories, and signs in where they want that. */
export class RegistrySession {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  #hasAnswered = false;

  constructor(transport: Transport, credentials?: CredentialStore) {
    this.#transport = transport;
    this.#authorizer = new Authorizer(transport, credentials);
  }

  /** Whether a registry ever did, be it by asking for a token: its address is right then. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Sends a request, and once more if the registry answers with a challenge that can be met.
   * @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR,
   *   CREDENTIALS_INVALID
   */
  async get(place: Reference, request: RepositoryRequest): Promise<RegistryAnswer> {
    const { kind, target, headers, signal } = request;
    const origin = await this.#transport.originOf(place.registry, signal);
    const url = new URL(`/v2/${place.repository}/${kind}s/${target}`, origin);
    const grant = this.#authorizer.current(place);
    const authorization = grant?.header;
    const response = await this.#transport.send(url, { headers, authorization, signal });
    this.#hasAnswered = true;
    // Only the registry itself may ask for its credentials, not where it redirected to.
    if (response.status !== 401 || response.url.origin !== url.origin) {
      return this.#answer(place, request, origin, response, grant);
    }
    await response.discard();
    const challenge = response.header("www-authenticate") ?? "";
    const met = await this.#authorizer.answer(place, challenge, grant, signal);
    if (!met) return this.#answer(place, request, origin, response, grant);
    const again = { headers, authorization: met.header, signal };
    return this.#answer(place, request, origin, await this.#transport.send(url, again), met);
  }

  #answer(
    { registry, repository }: Reference,
    { kind, target }: RepositoryRequest,
    registryUrl: URL,
    response: HttpResponse,
    grant?: Grant,
  ): RegistryAnswer {
    const asked = {
      kind,
      registry,
      repository,
      target,
      withCredentials: grant?.withCredentials ?? false,
      answeredByRegistry: response.url.origin === registryUrl.origin,
    };
    return { response, error: () => responseError(response, asked) };
  }
}
