import { createPrivateKey, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { IssuedCertificate } from "../../support/authority.js";
import { serve } from "./local-server.js";

/** docker-registry accepts tokens for a minute longer than they say (registry/auth/token). */
const leewaySeconds = 60;
const issuer = "test tokens";
const service = "test registry";

export interface TokenServerOptions {
  /** Signs the tokens. */
  certificate: IssuedCertificate;
  /** `user:password`, or a refresh token. */
  accepts: readonly string[];
}

/**
 * A token server of distribution's "Token Authentication Specification". Its tokens are JWTs
 * (RFC 7519) signed with ES256, which docker-registry verifies.
 */
export async function startTokenServer(
  t: TestContext,
  { certificate, accepts }: TokenServerOptions,
) {
  const key = createPrivateKey(await readFile(certificate.key));
  const pem = await readFile(certificate.cert, "utf8");
  const x5c = [pem.replace(/-----[A-Z ]+-----|\s/g, "")];
  /** How long a token is valid, and how long according to the answer. */
  const lifetime = { realSeconds: 300, statedSeconds: 300 };
  const issued: { method: string; scope: string; token: string }[] = [];

  function token(subject: string, scope: string): string {
    const [type, name, actions] = scope.split(":");
    // Whole seconds: a token is valid for up to one second more than it should be, never for less.
    const now = Math.ceil(Date.now() / 1000);
    const access = name ? [{ type, name, actions: actions?.split(",") }] : [];
    const exp = now + lifetime.realSeconds - leewaySeconds;
    const times = { iat: now - 600, nbf: now - 600, exp };
    const claims = { iss: issuer, aud: service, sub: subject, jti: `${issued.length}`, access };
    const parts = [
      { alg: "ES256", typ: "JWT", x5c },
      { ...claims, ...times },
    ];
    const body = parts.map((part) => base64url(Buffer.from(JSON.stringify(part)))).join(".");
    const signature = sign("sha256", Buffer.from(body), { key, dsaEncoding: "ieee-p1363" });
    return `${body}.${base64url(signature)}`;
  }

  const { host, requests } = await serve(t, async (request, response) => {
    const { secret, scope } = await parseRequest(request);
    if (secret === undefined || !accepts.includes(secret)) {
      response.writeHead(401).end();
      return;
    }
    const issuedToken = token(secret.split(":")[0] ?? "", scope);
    issued.push({ method: request.method ?? "", scope, token: issuedToken });
    const { statedSeconds } = lifetime;
    response.end(JSON.stringify({ token: issuedToken, expires_in: statedSeconds }));
  });
  return { realm: `http://${host}/token`, issued, lifetime, requests, issuer, service };
}

async function parseRequest(request: IncomingMessage) {
  if (request.method === "POST") {
    const form = new URLSearchParams(await text(request));
    return { secret: form.get("refresh_token") ?? undefined, scope: form.get("scope") ?? "" };
  }
  const { searchParams } = new URL(request.url!, "http://x");
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const secret = basic && Buffer.from(basic, "base64").toString();
  return { secret, scope: searchParams.get("scope") ?? "" };
}

function base64url(bytes: Buffer): string {
  return bytes.toString("base64url");
}
