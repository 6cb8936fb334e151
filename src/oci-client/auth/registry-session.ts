import type { Clock } from "../core/clock.js";
import type { OciClientError } from "../core/oci-client-error.js";
import type { Reference } from "../core/reference.js";
import type { HttpResponse } from "../transport/http-exchange.js";
import { responseError } from "../transport/response-error.js";
import type { Transport } from "../transport/transport.js";
import { Authorizer, type Grant } from "./authorization.js";
import { refusedCredentialHint } from "./credential-origin.js";
import type { CredentialStore } from "./credentials.js";

/** A GET request for something in a repository. */
export interface RepositoryRequest {
  readonly kind: "manifest" | "blob" | "referrer";
  /** A tag or a digest. */
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A registry's response, of any status. */
export interface RepositoryResponse {
  readonly response: HttpResponse;
  /** Reads the body of an unexpected response and describes the error. */
  error(): Promise<OciClientError>;
}

/** Sends requests to repositories and authorizes them if the registry demands that. */
export class RegistrySession {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  #hasAnswered = false;

  constructor(transport: Transport, options: { credentials?: CredentialStore; clock?: Clock }) {
    this.#transport = transport;
    this.#authorizer = new Authorizer(transport, options);
  }

  /** Whether any registry has answered, even with a challenge: its address is right then. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Sends a request, and a second time with new authorization if the registry answers with a challenge
   * for which there is some.
   * @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR,
   *   CREDENTIALS_INVALID
   */
  async get(reference: Reference, request: RepositoryRequest): Promise<RepositoryResponse> {
    const { kind, target, headers, signal } = request;
    const origin = await this.#transport.originOf(reference.registry, signal);
    const url = new URL(`/v2/${reference.repository}/${kind}s/${target}`, origin);
    const grant = this.#authorizer.current(reference);
    const authorization = grant?.header;
    const response = await this.#transport.send(url, { headers, authorization, signal });
    this.#hasAnswered = true;
    const context = { reference, request, origin };
    // Only the registry itself may ask for its credentials, not a host that it redirected to.
    if (response.status !== 401 || response.url.origin !== url.origin) {
      return this.#toResponse(context, response, grant);
    }
    await response.discard();
    const challenge = response.header("www-authenticate") ?? "";
    const granted = await this.#authorizer.answer(reference, challenge, grant, signal);
    if (!granted) return this.#toResponse(context, response, grant);
    const repeated = { headers, authorization: granted.header, signal };
    return this.#toResponse(context, await this.#transport.send(url, repeated), granted);
  }

  #toResponse(
    { reference, request, origin }: RequestContext,
    response: HttpResponse,
    grant?: Grant,
  ): RepositoryResponse {
    const { registry, repository } = reference;
    const credential = grant?.credential;
    const context = {
      kind: request.kind,
      registry,
      repository,
      target: request.target,
      ...(credential && {
        credentialHint: refusedCredentialHint(credential.origin, { registry, repository }),
      }),
      isFromRegistry: response.url.origin === origin.origin,
    };
    return { response, error: () => responseError(response, context) };
  }
}

interface RequestContext {
  readonly reference: Reference;
  readonly request: RepositoryRequest;
  /** The registry's own. */
  readonly origin: URL;
}
