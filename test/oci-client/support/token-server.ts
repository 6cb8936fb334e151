import { createPrivateKey, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { IssuedCertificate } from "../../support/authority.js";
import { serve } from "./local-server.js";

/** docker-registry takes tokens for a minute longer than they say (registry/auth/token). */
const leewaySeconds = 60;
const issuer = "test tokens";
const service = "test registry";

export interface TokenServerOptions {
  /** Who signs. */
  certificate: IssuedCertificate;
  /** `user:password`, or a refresh token. */
  accepts: readonly string[];
}

/**
 * A token server as distribution's "Token Authentication Specification" has it. Its tokens are JWTs
 * (RFC 7519) signed with ES256, which docker-registry checks by itself.
 */
export async function startTokenServer(
  t: TestContext,
  { certificate, accepts }: TokenServerOptions,
) {
  const key = createPrivateKey(await readFile(certificate.key));
  const pem = await readFile(certificate.cert, "utf8");
  const x5c = [pem.replace(/-----[A-Z ]+-----|\s/g, "")];
  /** Seconds that a token is good for, and that the answer says it is. */
  const life = { real: 300, told: 300 as number | undefined };
  const issued: { method: string; scope: string }[] = [];

  function token(subject: string, scope: string): string {
    const [type, name, actions] = scope.split(":");
    // Whole seconds: a token is good for up to one more than it should, and never for less.
    const now = Math.ceil(Date.now() / 1000);
    const access = name ? [{ type, name, actions: actions?.split(",") }] : [];
    const exp = now + life.real - leewaySeconds;
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
    const { secret, scope } = await question(request);
    if (secret === undefined || !accepts.includes(secret)) {
      response.writeHead(401).end();
      return;
    }
    issued.push({ method: request.method!, scope });
    const { told: expires_in } = life;
    response.end(JSON.stringify({ token: token(secret.split(":")[0]!, scope), expires_in }));
  });
  return { realm: `http://${host}/token`, issued, life, requests, issuer, service };
}

async function question(request: IncomingMessage) {
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
