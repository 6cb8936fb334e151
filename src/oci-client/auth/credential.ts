import { registerSecret } from "../core/redact.js";
import type { CredentialOrigin } from "./credential-origin.js";

/** A password, or an identity token, which can only be exchanged for other tokens. */
export type Credential = (
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
) & {
  /** Named in the hint if a registry refuses the credential. */
  readonly origin?: CredentialOrigin;
};

/** The secret part of a credential. */
export function secretOf(credential: Credential): string {
  return "password" in credential ? credential.password : credential.identityToken;
}

/** The `Authorization` header of RFC 7617. Credential helpers mark an identity token by `<token>`. */
export function basicHeader(credential: Credential): string {
  const username = "username" in credential ? credential.username : "<token>";
  const userPass = `${username}:${secretOf(credential)}`;
  registerSecret(secretOf(credential));
  registerSecret(userPass);
  return `Basic ${Buffer.from(userPass).toString("base64")}`;
}
