import { z } from "zod";
import { registerSecret } from "../core/redact.js";
import type { HttpResponse } from "../transport/http-exchange.js";
import { readBody } from "../transport/read-body.js";
import { responseError } from "../transport/response-error.js";
import type { Transport } from "../transport/transport.js";
import { basicHeader, type Credential } from "./credential.js";
import { badTokenServer, tokenServer } from "./token-server.js";

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

const maxAnswerBytes = 1024 * 1024;
/** What the specification supplies when an answer does not say. */
const minTokenLifetimeSeconds = 60;

/** What cannot stand in a header cannot be a token. */
const tokenText = z.string().regex(/^[\x21-\x7e]*$/);
const tokenAnswer = z.object({
  token: tokenText.nullish(),
  access_token: tokenText.nullish(),
  expires_in: z.number().nullish(),
});

/**
 * Gets a token from a registry's token server.
 * @throws OciClientError REGISTRY_DENIED, REGISTRY_ERROR, REGISTRY_UNREACHABLE
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  signal?: AbortSignal,
): Promise<Token> {
  const { registry, realm: address, credential } = request;
  const secret =
    credential && ("password" in credential ? credential.password : credential.identityToken);
  if (secret) registerSecret(secret);
  const origin = await transport.originOf(registry, signal);
  const realm = await tokenServer(registry, address, origin, transport.settings, signal);
  const response = await askForToken(transport, realm, request, signal);
  if (response.status === 200) return readToken(response, registry);
  throw await responseError(response, {
    kind: "token",
    registry,
    repository: request.repository,
    target: "",
    withCredentials: credential !== undefined,
    answeredByRegistry: response.url.origin === realm.origin,
  });
}

/** How servers without OAuth 2 answer a POST: most 404 or 405, JFrog's Artifactory 401. */
const noOAuthStatuses = [401, 404, 405];

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
    if (!noOAuthStatuses.includes(response.status)) return response;
    await response.discard();
  }
  const url = new URL(realm);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  const authorization = credential && basicHeader(credential);
  return transport.send(url, { authorization, staysOnHost: true, signal });
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
  const { bytes, complete } = await readBody(body, maxAnswerBytes);
  const answer = complete ? parseAnswer(bytes) : undefined;
  const token = answer?.token || answer?.access_token;
  if (!token) throw badTokenServer(registry, "has a token server whose answer holds no token");
  registerSecret(token);
  return { token, expiresIn: answer?.expires_in ?? minTokenLifetimeSeconds };
}

function parseAnswer(bytes: Uint8Array): z.infer<typeof tokenAnswer> | undefined {
  try {
    return tokenAnswer.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    // The parser's own words would quote the answer, and with it the token.
    return undefined;
  }
}
