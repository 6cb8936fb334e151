import { type Clock, systemClock } from "../core/clock.js";
import type { Reference } from "../core/reference.js";
import { SingleFlight } from "../core/single-flight.js";
import type { Transport } from "../transport/transport.js";
import { parseChallenges } from "./challenge.js";
import { basicHeader, type Credential } from "./credential.js";
import type { CredentialStore } from "./credentials.js";
import { fetchToken } from "./token.js";

/** The authorization for requests to a repository. */
export interface Grant {
  /** The `Authorization` header. */
  readonly header: string;
  /** On the clock. */
  readonly expiresAt: number;
  /** Contained in the header or exchanged for its token; undefined for anonymous requests. */
  readonly credential: Credential | undefined;
}

type Repository = Pick<Reference, "registry" | "repository">;

/** A request for authorization, as a registry sent it. */
export interface ReceivedChallenge {
  /** The value of `WWW-Authenticate`. */
  readonly header: string;
  /**
   * Whether it came with the answer to `/v2/`. Its scope, if there is one, is then an example or that
   * of another endpoint: ghcr.io sends `repository:user/image:pull`.
   */
  readonly isForWholeRegistry: boolean;
}

/** Answers registries' challenges, and keeps the answer for each registry and scope. */
export class Authorizer {
  readonly #transport: Transport;
  readonly #credentials: CredentialStore | undefined;
  readonly #clock: Clock;
  readonly #grants = new Map<string, Grant>();
  readonly #pending = new SingleFlight<Grant | undefined>({ keepsResults: false });

  constructor(
    transport: Transport,
    { credentials, clock = systemClock }: { credentials?: CredentialStore; clock?: Clock },
  ) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /** The kept grant for a repository, unless it has expired. */
  current(repository: Repository): Grant | undefined {
    const grant = this.#grants.get(grantKey(repository));
    return grant && grant.expiresAt > this.#clock.now() ? grant : undefined;
  }

  /**
   * Answers a challenge.
   * @param rejected the grant that was refused, if there was one
   * @returns undefined if there is no answer, or only the one that was rejected
   * @throws OciClientError CREDENTIALS_INVALID, and what fetching a token throws
   */
  async answer(
    repository: Repository,
    challenge: ReceivedChallenge,
    rejected?: Grant,
    signal?: AbortSignal,
  ): Promise<Grant | undefined> {
    const key = grantKey(repository);
    const newer = this.current(repository);
    if (newer && newer.header !== rejected?.header) return newer;
    // The token of concurrent layer downloads expires for all of them at the same time.
    const grant = await this.#pending.get(
      key,
      (shared) => this.#grant(repository, challenge, shared),
      signal,
    );
    if (!grant || grant.header === rejected?.header) return undefined;
    this.#grants.set(key, grant);
    return grant;
  }

  async #grant(
    repository: Repository,
    { header, isForWholeRegistry }: ReceivedChallenge,
    signal: AbortSignal,
  ): Promise<Grant | undefined> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer")?.parameters;
    const credential = await this.#credentials?.lookup(
      repository.registry,
      repository.repository,
      signal,
    );
    const realm = bearer?.get("realm");
    if (bearer && realm) {
      const service = bearer.get("service") || undefined;
      const scope = (!isForWholeRegistry && bearer.get("scope")) || pullScope(repository);
      const requestedAt = this.#clock.now();
      const request = { ...repository, realm, service, scope, credential };
      const { token, lifetimeMs } = await fetchToken(this.#transport, request, signal);
      return { header: `Bearer ${token}`, expiresAt: requestedAt + lifetimeMs, credential };
    }
    const acceptsBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!acceptsBasic || !credential) return undefined;
    return { header: basicHeader(credential), expiresAt: Number.POSITIVE_INFINITY, credential };
  }
}

/** The only scope that this client requests of a repository. */
function pullScope({ repository }: Repository): string {
  return `repository:${repository}:pull`;
}

function grantKey(repository: Repository): string {
  return `${repository.registry} ${pullScope(repository)}`;
}
