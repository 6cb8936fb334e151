import type { Reference } from "../core/reference.js";
import { SingleFlight } from "../core/single-flight.js";
import type { Transport } from "../transport/transport.js";
import { parseChallenges } from "./challenge.js";
import { basicHeader } from "./credential.js";
import type { CredentialStore } from "./credentials.js";
import { fetchToken } from "./token.js";

/** What a registry is to be shown, and until when it will do. */
export interface Grant {
  /** The `Authorization` header. */
  header: string;
  /** On the clock of `performance.now()`. */
  expiresAt: number;
  withCredentials: boolean;
}

type Place = Pick<Reference, "registry" | "repository">;

/** Answers registries' challenges, and remembers the answer for each registry and scope. */
export class Authorizer {
  readonly #transport: Transport;
  readonly #credentials: CredentialStore | undefined;
  readonly #grants = new Map<string, Grant>();
  readonly #asked = new SingleFlight<Grant | undefined>({ isKept: false });

  constructor(transport: Transport, credentials?: CredentialStore) {
    this.#transport = transport;
    this.#credentials = credentials;
  }

  /** What is remembered for a repository and has not run out. */
  current(place: Place): Grant | undefined {
    const grant = this.#grants.get(grantKey(place));
    return grant && grant.expiresAt > performance.now() ? grant : undefined;
  }

  /**
   * Answers a 401's `WWW-Authenticate`. Undefined if there is no answer, or none but the one that
   * was just rejected.
   * @throws OciClientError CREDENTIALS_INVALID and what fetching a token throws
   */
  async answer(
    place: Place,
    challenge: string,
    rejected?: Grant,
    signal?: AbortSignal,
  ): Promise<Grant | undefined> {
    const key = grantKey(place);
    const newer = this.current(place);
    if (newer && newer.header !== rejected?.header) return newer;
    // Layers that are fetched at the same time lose their token at the same time.
    const grant = await this.#asked.get(
      key,
      (shared) => this.#grant(place, challenge, shared),
      signal,
    );
    if (!grant || grant.header === rejected?.header) return undefined;
    this.#grants.set(key, grant);
    return grant;
  }

  async #grant(place: Place, header: string, signal: AbortSignal): Promise<Grant | undefined> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer")?.parameters;
    const credential = await this.#credentials?.lookup(place.registry, place.repository, signal);
    const withCredentials = credential !== undefined;
    const realm = bearer?.get("realm");
    if (bearer && realm) {
      const service = bearer.get("service");
      const scope = bearer.get("scope") ?? pullScope(place);
      const asked = performance.now();
      const request = { ...place, realm, service, scope, credential };
      const { token, expiresIn } = await fetchToken(this.#transport, request, signal);
      return { header: `Bearer ${token}`, expiresAt: asked + expiresIn * 1000, withCredentials };
    }
    const takesBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!takesBasic || !credential) return undefined;
    return {
      header: basicHeader(credential),
      expiresAt: Number.POSITIVE_INFINITY,
      withCredentials,
    };
  }
}

/** All that this client ever asks of a repository, so that a repository stands for its scope. */
function pullScope({ repository }: Place): string {
  return `repository:${repository}:pull`;
}

function grantKey(place: Place): string {
  return `${place.registry} ${pullScope(place)}`;
}
