import type { KeyObject } from "node:crypto";
import { type Descriptor, type Manifest, parseManifest } from "../oci-client/index.js";
import type { AttachedSignatures } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { isSignedBy } from "./signature.js";
import {
  isBundleType,
  parseBundle,
  preAuthenticationEncoding,
  statedDigests,
} from "./sigstore-bundle.js";
import { signatureAnnotation, signedDigest, simpleSigningType } from "./simple-signing.js";

/** Payloads have a few hundred bytes, bundles a few kilobytes, those with certificates more. */
const maxPayloadBytes = 1024 * 1024;
/** The maximum number of signatures that are checked. */
const maxSignatures = 100;

interface ImageSignature {
  /** The signed digest: of the image's manifest, or of the index that it was found in. */
  readonly digest: string;
}

interface Tally {
  /** The number of signatures, by any key. */
  found: number;
  /** What else the key signed. */
  readonly others: Set<string>;
}

/**
 * Verifies that a key signed an image: its manifest, or the index that refers to the manifest by its
 * digest. The key alone is trusted; the transparency log and certificates are not consulted.
 * @param digests of the manifest and of the index, if there is one
 * @throws NetbootError SIGNATURE_MISSING, SIGNATURE_INVALID, and what the store throws
 */
export async function verifyImage(
  store: AttachedSignatures,
  digests: readonly string[],
  publicKey: KeyObject,
): Promise<ImageSignature> {
  const tally: Tally = { found: 0, others: new Set() };
  for (const digest of digests) {
    for await (const bytes of store.signatureManifests(digest)) {
      const manifest = parseSignatureManifest(bytes);
      if (manifest === undefined) continue;
      for (const layer of manifest.layers) {
        if (tally.found >= maxSignatures) break;
        if (await isSigned(store, layer, { digest, publicKey, tally })) return { digest };
      }
    }
  }
  throw refusal(digests, tally);
}

interface Expected {
  readonly digest: string;
  readonly publicKey: KeyObject;
  readonly tally: Tally;
}

async function isSigned(
  store: AttachedSignatures,
  layer: Descriptor,
  expected: Expected,
): Promise<boolean> {
  if (layer.size > maxPayloadBytes) return false;
  const signature = layer.annotations?.[signatureAnnotation];
  if (layer.mediaType === simpleSigningType && signature !== undefined) {
    expected.tally.found += 1;
    const payload = await store.signatureBlob(layer, maxPayloadBytes);
    return verifySimpleSigning(payload, Buffer.from(signature, "base64"), expected);
  }
  if (!isBundleType(layer.mediaType)) return false;
  expected.tally.found += 1;
  return verifyBundle(store, await store.signatureBlob(layer, maxPayloadBytes), expected);
}

function verifySimpleSigning(
  payload: Uint8Array,
  signature: Uint8Array,
  { digest, publicKey, tally }: Expected,
): boolean {
  if (!isSignedBy(publicKey, payload, signature)) return false;
  const signed = signedDigest(payload);
  if (signed === digest) return true;
  tally.others.add(signed ?? "something other than an image");
  return false;
}

async function verifyBundle(
  store: AttachedSignatures,
  bytes: Uint8Array,
  { digest, publicKey, tally }: Expected,
): Promise<boolean> {
  const bundle = parseBundle(bytes);
  if (bundle?.messageSignature !== undefined) {
    const document = await store.signedDocument(digest);
    return isSignedBy(publicKey, document, bundle.messageSignature.signature);
  }
  const envelope = bundle?.dsseEnvelope;
  if (envelope === undefined) return false;
  const encoded = preAuthenticationEncoding(envelope);
  if (!envelope.signatures.some(({ sig }) => isSignedBy(publicKey, encoded, sig))) return false;
  const stated = statedDigests(envelope);
  if (stated.includes(digest)) return true;
  tally.others.add(stated[0] ?? "something other than an image signature");
  return false;
}

function parseSignatureManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const document = parseManifest(bytes);
    return document.kind === "manifest" ? document : undefined;
  } catch {
    return undefined;
  }
}

function refusal(digests: readonly string[], { found, others }: Tally): NetbootError {
  const image = digests.join(" or ");
  if (found === 0) {
    return new NetbootError(
      "SIGNATURE_MISSING",
      `There is no signature of ${image} in the image's repository or layout.`,
      "Sign it with: cosign sign --key cosign.key IMAGE@DIGEST",
    );
  }
  if (others.size > 0) {
    return new NetbootError(
      "SIGNATURE_INVALID",
      `The key signed ${[...others].slice(0, 3).join(", ")}, not ${image}.`,
      "The signature may have been copied from another image: ask the publisher of the image.",
    );
  }
  const subject = found === 1 ? "The only signature" : `None of the ${found} signatures`;
  return new NetbootError(
    "SIGNATURE_INVALID",
    `${subject} of ${image} ${found === 1 ? "was not" : "was"} made with this key.`,
    "Check that it is the right key, or ask the publisher of the image.",
  );
}
