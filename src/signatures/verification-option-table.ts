import type { OptionTable, OptionValues } from "../support/index.js";

/** Also the heading of other options about signatures. */
export const signaturesHeading = "Signatures:";

/**
 * The options of every command that verifies the signature of an image. The command line reads this
 * file for its help, so it imports nothing at run time.
 */
export const verificationOptionTable = {
  /** Public key in PEM; an image is refused unless cosign signed it with the private key. */
  verifyKey: {
    flags: "--verify-key <file>",
    type: "text",
    help: "refuse an image that is not signed with this public key (cosign)",
    group: signaturesHeading,
  },
  /**
   * Identity in the certificate of a keyless signature, exact or as `/REGEX/`; an image is refused
   * unless this identity signed it.
   */
  verifyIdentity: {
    flags: "--verify-identity <identity>",
    type: "text",
    help: "refuse an image that this identity did not sign (cosign, keyless): exact, or /REGEX/",
    group: signaturesHeading,
  },
  /** OIDC issuer that vouched for `verifyIdentity`, exact or as `/REGEX/`. */
  verifyIssuer: {
    flags: "--verify-issuer <url>",
    type: "text",
    help: "OIDC issuer that vouched for this identity: exact, or /REGEX/",
    group: signaturesHeading,
  },
  /**
   * Repository whose workflow signed, exact or as `/REGEX/`. The identity of a reusable workflow is the
   * same for every repository that uses it.
   */
  verifySourceRepository: {
    flags: "--verify-source-repository <url>",
    type: "text",
    help: "repository whose workflow signed: exact, or /REGEX/",
    group: signaturesHeading,
  },
  /** trusted_root.json of sigstore; the public one is fetched by default. */
  trustedRoot: {
    flags: "--trusted-root <file>",
    type: "text",
    help: "trusted_root.json of sigstore, to verify an identity offline",
    defaultHelp: "fetched from sigstore.dev",
    group: signaturesHeading,
  },
} as const satisfies OptionTable;

export type VerificationOptions = OptionValues<typeof verificationOptionTable>;
