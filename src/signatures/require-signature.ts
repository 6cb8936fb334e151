import type { ResolveOptions } from "../oci-client/index.js";
import type { AttachedSignatures } from "../sources/index.js";
import { type ImageSignature, verifyImage } from "./image-signature.js";
import { describeSigner, type SignatureVerifier } from "./signature-verifier.js";

/**
 * The check of a source's `resolve` that refuses an image without a signature that the verifier
 * trusts, before anything but its manifest is fetched.
 * @param onVerified receives the signature that was found
 * @returns undefined without a verifier
 */
export function requireSignature(
  store: AttachedSignatures,
  verifier: SignatureVerifier | undefined,
  onVerified: (signature: ImageSignature) => void,
): ResolveOptions["approve"] {
  if (verifier === undefined) return undefined;
  return async ({ digest, indexDigest }) => {
    const digests = indexDigest === undefined ? [digest] : [digest, indexDigest];
    onVerified(await verifyImage(store, digests, verifier));
  };
}

/** A sentence for people. */
export function describeSignature({ digest, signer }: ImageSignature): string {
  const by = signer === undefined ? "" : ` by ${describeSigner(signer)}`;
  return `The signature of ${digest}${by} is valid.`;
}
