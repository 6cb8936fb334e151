import * as z from "zod";
import { registerSecret } from "../core/redact.js";
import type { HttpResponse } from "../transport/http-exchange.js";
import { readBody } from "../transport/read-body.js";
import { responseError } from "../transport/response-error.js";
import type { Transport } from "../transport/transport.js";
import { basicHeader, type Credential, secretOf } from "./credential.js";
import { refusedCredentialHint } from "./credential-origin.js";
import { badTokenServer, tokenServer } from "./token-server.js";

/** The answer to a Bearer challenge (distribution, "Token Authentication Specification"). */
export interface TokenRequest {
  readonly registry: string;
  readonly repository: string;
  /** The token server's URL. */
  readonly realm: string;
  readonly service?: string;
  readonly scope: string;
  readonly credential?: Credential;
}

export interface Token {
  readonly token: string;
  /** From the request on. */
  readonly lifetimeMs: number;
}

const maxAnswerBytes = 1024 * 1024;
/**
 * A response without `expires_in` means 60 seconds, and no token should live shorter (distribution,
 * "Token Authentication Specification", "expires_in"). Servers that send 0 or 1 nevertheless would
 * otherwise be asked for a token before each request. Should such a token really have expired, the
 * registry answers 401, and that leads to a new one.
 */
const minTokenLifetimeSeconds = 60;

/** A token with other characters could not be sent in a header. */
const tokenText = z.string().regex(/^[\x21-\x7e]*$/);
const tokenAnswer = z.object({
  token: tokenText.nullish(),
  access_token: tokenText.nullish(),
  /** Some servers write the number as a string. */
  expires_in: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ])
    .nullish(),
});

/**
 * Requests a token from a registry's token server.
 * @throws OciClientError REGISTRY_DENIED, REGISTRY_ERROR, REGISTRY_UNREACHABLE
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  signal?: AbortSignal,
): Promise<Token> {
  const { registry, repository, credential } = request;
  if (credential) registerSecret(secretOf(credential));
  const origin = await transport.originOf(registry, signal);
  const realm = await tokenServer(registry, request.realm, origin, transport.config, signal);
  const response = await requestToken(transport, realm, request, signal);
  if (response.status === 200) return readToken(response, registry);
  throw await responseError(response, {
    kind: "token",
    registry,
    repository,
    target: "",
    ...(credential && {
      credentialHint: refusedCredentialHint(credential.origin, { registry, repository }),
    }),
    isFromRegistry: response.url.origin === realm.origin,
  });
}

/** Answers of servers without OAuth 2 to a POST: most send 404 or 405, JFrog's Artifactory 401. */
const noOAuthStatuses = [401, 404, 405];

/** Uses OAuth 2 for an identity token, and the older GET otherwise and without OAuth 2. */
async function requestToken(
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
  const { success, data, error } = tokenAnswer.safeParse(complete ? parseJson(bytes) : undefined);
  // Only the field's name: the parser's messages may quote the response, and with it the token.
  const invalidField = error?.issues[0]?.path[0];
  if (invalidField !== undefined) {
    const problem = `has a token server that sent an invalid ${String(invalidField)}`;
    throw badTokenServer(registry, problem);
  }
  const token = success && (data.token || data.access_token);
  if (!token) throw badTokenServer(registry, "has a token server that answered without a token");
  registerSecret(token);
  const lifetimeSeconds = Math.max(data.expires_in ?? 0, minTokenLifetimeSeconds);
  return { token, lifetimeMs: lifetimeSeconds * 1000 };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
