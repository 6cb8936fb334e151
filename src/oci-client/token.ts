import { z } from "zod";
import { readBody } from "./body.js";
import { basicHeader, type Credential } from "./credential.js";
import { OciClientError } from "./error.js";
import type { HttpResponse } from "./http-exchange.js";
import { isAllowed, registryOrigin } from "./origin.js";
import { responseError } from "./response-error.js";
import type { Transport } from "./transport.js";

/** What a Bearer challenge asks for (distribution, "Token Authentication Specification"). */
export interface TokenRequest {
  registry: string;
  repository: string;
  /** The token server's address. */
  realm: string;
  service?: string;
  scope: string;
  credential?: Credential;
}

export interface Token {
  token: string;
  /** In seconds, from when it was asked for. */
  expiresIn: number;
}

const MAX_ANSWER = 1024 * 1024;
/** What the specification supplies when an answer does not say. */
const DEFAULT_EXPIRY = 60;

/** What cannot stand in a header cannot be a token. */
const tokenText = z.string().regex(/^[\x21-\x7e]*$/);
const tokenAnswer = z.object({
  token: tokenText.nullish(),
  access_token: tokenText.nullish(),
  expires_in: z.number().nullish(),
});

/**
 * Gets a token from a registry's token server.
 *
 * @throws OciClientError REGISTRY_DENIED, REGISTRY_ERROR, REGISTRY_UNREACHABLE
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  signal?: AbortSignal,
): Promise<Token> {
  const realm = tokenServer(request);
  const response = await askForToken(transport, realm, request, signal);
  if (response.status === 200) return readToken(response, request.registry);
  throw await responseError(response, {
    kind: "token",
    registry: request.registry,
    repository: request.repository,
    target: "",
    withCredentials: request.credential !== undefined,
    answeredByRegistry: response.url.origin === realm.origin,
  });
}

/** Only a registry on this machine may have its credentials sent over plain HTTP. */
function tokenServer({ registry, realm }: TokenRequest): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const isLocal = registryOrigin(registry).protocol === "http:";
  if (url && (url.protocol === "https:" || (isLocal && isAllowed(url)))) return url;
  throw badAnswer(registry, "names no token server that is safe to ask");
}

/** OAuth 2 for an identity token; the older GET for all else and where there is no OAuth 2. */
async function askForToken(
  transport: Transport,
  realm: URL,
  request: TokenRequest,
  signal?: AbortSignal,
): Promise<HttpResponse> {
  const { service, scope, credential } = request;
  const parameters = new URLSearchParams(service === undefined ? { scope } : { service, scope });
  if (credential && "identityToken" in credential) {
    const response = await postRefreshToken(transport, realm, parameters, credential, signal);
    if (response.status !== 404) return response;
    await response.discard();
  }
  const url = new URL(realm);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  return transport.send(url, { authorization: credential && basicHeader(credential), signal });
}

function postRefreshToken(
  transport: Transport,
  realm: URL,
  parameters: URLSearchParams,
  { identityToken }: { identityToken: string },
  signal?: AbortSignal,
): Promise<HttpResponse> {
  const form = new URLSearchParams(parameters);
  form.set("grant_type", "refresh_token");
  form.set("client_id", "kairos-netboot");
  form.set("refresh_token", identityToken);
  return transport.send(realm, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
    signal,
  });
}

async function readToken({ body }: HttpResponse, registry: string): Promise<Token> {
  const { bytes, complete } = await readBody(body, MAX_ANSWER);
  const answer = complete ? parseAnswer(bytes) : undefined;
  const token = answer?.token || answer?.access_token;
  if (!token) throw badAnswer(registry, "has a token server whose answer holds no token");
  return { token, expiresIn: answer?.expires_in ?? DEFAULT_EXPIRY };
}

function parseAnswer(bytes: Uint8Array): z.infer<typeof tokenAnswer> | undefined {
  try {
    return tokenAnswer.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    // The parser's own words would quote the answer, and with it the token.
    return undefined;
  }
}

function badAnswer(registry: string, problem: string): OciClientError {
  return new OciClientError("REGISTRY_ERROR", `${registry} ${problem}.`, {
    hint: "The registry is set up wrongly: tell the people who run it.",
  });
}
