import { abortable } from "../oci-client/index.js";
import { interrupted } from "../support/index.js";
import { KeyVerifier } from "./key-verifier.js";
import type { IdentityRequirement, SignatureRequirement } from "./signature-requirement.js";
import type { SignatureVerifier } from "./signature-verifier.js";
import { trustedRootInvalid } from "./trusted-root-file.js";

interface OpenVerifierOptions {
  /** Keeps what is fetched; undefined to keep nothing. */
  readonly cacheDirectory: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Prepares the verification of signatures; for an identity, this may fetch the trusted root.
 * @throws NetbootError TRUSTED_ROOT_INVALID, TRUSTED_ROOT_UNAVAILABLE, INTERRUPTED
 */
export async function openVerifier(
  requirement: SignatureRequirement,
  options: OpenVerifierOptions,
): Promise<SignatureVerifier> {
  return requirement.kind === "key"
    ? new KeyVerifier(requirement.key)
    : openIdentityVerifier(requirement, options);
}

async function openIdentityVerifier(
  requirement: IdentityRequirement,
  { cacheDirectory, signal }: OpenVerifierOptions,
): Promise<SignatureVerifier> {
  // Loaded on first use: most commands verify no identity, and the libraries of sigstore are large.
  const { IdentityVerifier } = await import("./identity-verifier.js");
  const { trustedRoot: file } = requirement;
  if (file === undefined) {
    const { fetchTrustedRoot } = await import("./fetch-trusted-root.js");
    const fetched = await abortable(fetchTrustedRoot(cacheDirectory), signal).catch((error) => {
      throw signal?.aborted ? interrupted() : error;
    });
    return new IdentityVerifier(requirement, fetched);
  }
  const { parseTrustedRoot } = await import("./trusted-root.js");
  const root = parseTrustedRoot(file);
  try {
    return new IdentityVerifier(requirement, root);
  } catch (cause) {
    throw trustedRootInvalid(file.path, "contains an invalid certificate or key", cause);
  }
}
