import { registerSecret } from "../core/redact.js";

/** A password, or an identity token, which is only good for getting other tokens. */
export type Credential = { username: string; password: string } | { identityToken: string };

/** The `Authorization` of RFC 7617; `<token>` is how credential helpers mark an identity token. */
export function basicHeader(credential: Credential): string {
  const { username, password } =
    "identityToken" in credential
      ? { username: "<token>", password: credential.identityToken }
      : credential;
  registerSecret(password);
  registerSecret(`${username}:${password}`);
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
