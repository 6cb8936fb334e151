import { type Descriptor, type Manifest, parseManifest } from "../oci-client/index.js";
import type { AttachedSignatures } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import type { AttachedSignature } from "./attached-signature.js";
import type { SignatureVerifier, Signer } from "./signature-verifier.js";
import { isBundleType, readBundle } from "./sigstore-bundle.js";
import { hasSignature, readSimpleSigning, simpleSigningType } from "./simple-signing.js";

/** Payloads have a few hundred bytes, bundles a few kilobytes, those with certificates more. */
const maxPayloadBytes = 1024 * 1024;
/** The maximum number of signatures that are checked. */
const maxSignatures = 100;

export interface ImageSignature {
  /** The signed digest: of the image's manifest, or of the index that it was found in. */
  readonly digest: string;
  /** Undefined for a signature with a key. */
  readonly signer: Signer | undefined;
}

/** What speaks against an image whose signature is not found. */
interface Tally {
  /** The number of signatures, by anybody. */
  found: number;
  /** What else was signed by somebody whom the user trusts. */
  readonly others: Set<string>;
  /** Why signatures were not trusted. */
  readonly reasons: Set<string>;
}

/**
 * Verifies that an image has a signature that the verifier trusts: of its manifest, or of the index
 * that refers to the manifest by its digest.
 * @param digests of the manifest and of the index, if there is one
 * @throws NetbootError SIGNATURE_MISSING, SIGNATURE_INVALID, and what the store throws
 */
export async function verifyImage(
  store: AttachedSignatures,
  digests: readonly string[],
  verifier: SignatureVerifier,
): Promise<ImageSignature> {
  const tally: Tally = { found: 0, others: new Set(), reasons: new Set() };
  for (const digest of digests) {
    for await (const signature of signaturesOf(store, digest)) {
      if (tally.found >= maxSignatures) break;
      tally.found += 1;
      const verdict = verifier.verify(signature);
      if (!verdict.isTrusted) {
        if (verdict.reason !== undefined) tally.reasons.add(verdict.reason);
      } else if (signature.digests.includes(digest)) {
        return { digest, signer: verdict.signer };
      } else {
        tally.others.add(signature.digests[0] ?? "something other than an image");
      }
    }
  }
  throw refusal(digests, tally, verifier);
}

async function* signaturesOf(
  store: AttachedSignatures,
  digest: string,
): AsyncGenerator<AttachedSignature> {
  for await (const bytes of store.signatureManifests(digest)) {
    for (const layer of parseSignatureManifest(bytes)?.layers ?? []) {
      const signature = await readSignature(store, digest, layer);
      if (signature !== undefined) yield signature;
    }
  }
}

/** @returns undefined if the layer is not a signature */
async function readSignature(
  store: AttachedSignatures,
  digest: string,
  layer: Descriptor,
): Promise<AttachedSignature | undefined> {
  if (layer.size > maxPayloadBytes) return undefined;
  if (layer.mediaType === simpleSigningType && hasSignature(layer.annotations)) {
    const payload = await store.signatureBlob(layer, maxPayloadBytes);
    return readSimpleSigning(payload, layer.annotations);
  }
  if (!isBundleType(layer.mediaType)) return undefined;
  const bundle = await store.signatureBlob(layer, maxPayloadBytes);
  return readBundle(bundle, { digest, read: () => store.signedDocument(digest) });
}

function parseSignatureManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const document = parseManifest(bytes);
    return document.kind === "manifest" ? document : undefined;
  } catch {
    return undefined;
  }
}

function refusal(
  digests: readonly string[],
  { found, others, reasons }: Tally,
  { requirement, signCommand }: SignatureVerifier,
): NetbootError {
  const image = digests.join(" or ");
  if (found === 0) {
    return new NetbootError(
      "SIGNATURE_MISSING",
      `There is no signature of ${image} in the image's repository or layout.`,
      `Sign it with: ${signCommand}`,
    );
  }
  if (others.size > 0) {
    return new NetbootError(
      "SIGNATURE_INVALID",
      `A signature ${requirement} is of ${[...others].slice(0, 3).join(", ")}, not of ${image}.`,
      "The signature may have been copied from another image: ask the publisher of the image.",
    );
  }
  const subject = found === 1 ? "The only signature" : `None of the ${found} signatures`;
  const predicate = `${found === 1 ? "was not" : "was"} ${requirement}`;
  const details = [...reasons].slice(0, 3).map((text) => `${found === 1 ? "it" : "one"} ${text}`);
  const colon = details.length === 0 ? "" : ": ";
  return new NetbootError(
    "SIGNATURE_INVALID",
    `${subject} of ${image} ${predicate}${colon}${details.join("; ")}.`,
    "Check who should have signed the image, or ask its publisher.",
  );
}
