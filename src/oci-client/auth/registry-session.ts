import type { Clock } from "../core/clock.js";
import { OciClientError } from "../core/oci-client-error.js";
import type { Reference } from "../core/reference.js";
import { SingleFlight } from "../core/single-flight.js";
import type { HttpRequest, HttpResponse } from "../transport/http-exchange.js";
import { responseError } from "../transport/response-error.js";
import type { Transport } from "../transport/transport.js";
import { Authorizer, type Grant, type ReceivedChallenge } from "./authorization.js";
import { refusedCredentialHint } from "./credential-origin.js";
import type { CredentialStore } from "./credentials.js";

/** A GET request for something in a repository. */
export interface RepositoryRequest {
  readonly kind: "manifest" | "blob" | "referrer";
  /** A tag or a digest. */
  readonly target: string;
  readonly headers?: HttpRequest["headers"];
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
  /** The challenges that registries send with `/v2/`. */
  readonly #pings = new SingleFlight<string | undefined>();
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
   * Sends a request, and a second time with new authorization if the registry refuses the first one
   * and there is an answer to its challenge.
   * @throws OciClientError REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR,
   *   CREDENTIALS_INVALID
   */
  async get(reference: Reference, request: RepositoryRequest): Promise<RepositoryResponse> {
    const { kind, target, signal } = request;
    const origin = await this.#transport.originOf(reference.registry, signal);
    const url = new URL(`/v2/${reference.repository}/${kind}s/${target}`, origin);
    const send = (grant: Grant | undefined) =>
      this.#transport.send(url, {
        headers: request.headers,
        authorization: grant?.header,
        signal,
      });
    const grant = this.#authorizer.current(reference);
    const response = await send(grant);
    this.#hasAnswered = true;
    const context = { reference, request, origin };
    if (!mayLackAuthorization(response, origin, grant)) {
      return this.#toResponse(context, response, { grant });
    }
    try {
      const challenge = await this.#challengeOf(context, response);
      const granted =
        challenge && (await this.#authorizer.answer(reference, challenge, grant, signal));
      if (!granted) {
        return this.#toResponse(context, response, {
          grant,
          isLoginRequired: challenge !== undefined,
        });
      }
      await response.discard();
      return this.#toResponse(context, await send(granted), { grant: granted });
    } catch (error) {
      await response.discard();
      throw error;
    }
  }

  /** The challenge of a refusal. Some registries send none, except with the answer to `/v2/`. */
  async #challengeOf(
    { reference: { registry }, origin, request: { signal } }: RequestContext,
    response: HttpResponse,
  ): Promise<ReceivedChallenge | undefined> {
    const own = response.header("www-authenticate");
    if (own !== undefined) return { header: own, isForWholeRegistry: false };
    const header = await this.#pings.get(
      registry,
      (shared) => this.#ping(registry, origin, shared),
      signal,
    );
    return header === undefined ? undefined : { header, isForWholeRegistry: true };
  }

  /** Asks for the challenge of a whole registry (OCI distribution spec, "Determining Support"). */
  async #ping(registry: string, origin: URL, signal: AbortSignal): Promise<string | undefined> {
    const url = new URL("/v2/", origin);
    try {
      const response = await this.#transport.send(url, { signal });
      const isFromRegistry = response.url.origin === origin.origin;
      if (response.status >= 500 || response.status === 429) {
        const context = {
          kind: "registry",
          registry,
          repository: url.pathname,
          target: "",
        } as const;
        throw await responseError(response, { ...context, isFromRegistry });
      }
      await response.discard();
      return isFromRegistry ? response.header("www-authenticate") : undefined;
    } catch (error) {
      // Without this endpoint, what the registry answered first is all it says.
      if (error instanceof OciClientError && !error.retryable) return undefined;
      throw error;
    }
  }

  #toResponse(
    { reference, request, origin }: RequestContext,
    response: HttpResponse,
    { grant, isLoginRequired = false }: { grant: Grant | undefined; isLoginRequired?: boolean },
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
      ...(isLoginRequired && { login: "required" as const }),
      ...(grant !== undefined && credential === undefined && { login: "possible" as const }),
      isFromRegistry: response.url.origin === origin.origin,
    };
    return { response, error: () => responseError(response, context) };
  }
}

/**
 * Whether a response may be due to missing or invalid authorization. Some registries deny or hide
 * everything (403, 404) from requests without a token (containerd/containerd#3291). Only the registry
 * itself may ask for its credentials, not a host that it redirected to.
 */
function mayLackAuthorization(
  { status, url }: HttpResponse,
  registry: URL,
  grant: Grant | undefined,
): boolean {
  if (url.origin !== registry.origin) return false;
  return status === 401 || (grant === undefined && (status === 403 || status === 404));
}

interface RequestContext {
  readonly reference: Reference;
  readonly request: RepositoryRequest;
  /** The registry's own. */
  readonly origin: URL;
}
