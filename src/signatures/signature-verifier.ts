import type { AttachedSignature } from "./attached-signature.js";

/** The maker of a keyless signature, according to its certificate. */
export interface Signer {
  /** Subject alternative name: the URL of a workflow, or an e-mail address. */
  readonly identity: string;
  /** The OIDC issuer that vouched for the identity. */
  readonly issuer: string;
  /** URL of the repository whose workflow signed; null for a signer that is not a workflow. */
  readonly sourceRepository: string | null;
}

/** For messages. */
export function describeSigner({ identity, issuer, sourceRepository }: Signer): string {
  const details = [`issuer ${issuer || "unknown"}`];
  if (sourceRepository !== null) details.push(`for ${sourceRepository}`);
  return `${identity || "nobody"} (${details.join(", ")})`;
}

export type Verdict =
  | { readonly isTrusted: true; readonly signer?: Signer }
  /** `reason` is a predicate, such as "has no certificate"; left out if there is nothing to add. */
  | { readonly isTrusted: false; readonly reason?: string };

/** Decides whether a signature was made by somebody whom the user trusts. */
export interface SignatureVerifier {
  /** Completes "The signature was not …". */
  readonly requirement: string;
  /** The command that makes such a signature. */
  readonly signCommand: string;
  /** Does not look at what was signed. */
  verify(signature: AttachedSignature): Verdict;
}
