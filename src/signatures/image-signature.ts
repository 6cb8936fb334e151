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

/** Payloads take some hundred bytes, bundles some kilobytes, those with certificates more. */
const maxPayloadBytes = 1024 * 1024;
/** Signatures of one digest that are looked at. */
const maxSignatures = 100;

export interface ImageSignature {
  /** What was signed: the image's manifest, or the index that leads to it. */
  readonly digest: string;
}

interface Tally {
  /** Signatures that were found, of whatever key. */
  found: number;
  /** Signatures of the key that are about something else. */
  others: Set<string>;
}

/**
 * Makes sure that the key signed an image: its manifest, or the index through which it was found by
 * its digest. Transparency log and certificates are not asked: the key is what is trusted.
 * @param digests those of manifest and index
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
      const manifest = asManifest(bytes);
      if (manifest === undefined) continue;
      for (const layer of manifest.layers) {
        if (tally.found >= maxSignatures) break;
        if (await isSignature(store, layer, { digest, publicKey, tally })) return { digest };
      }
    }
  }
  throw refusal(digests, tally);
}

interface Wanted {
  readonly digest: string;
  readonly publicKey: KeyObject;
  readonly tally: Tally;
}

async function isSignature(
  store: AttachedSignatures,
  layer: Descriptor,
  wanted: Wanted,
): Promise<boolean> {
  if (layer.size > maxPayloadBytes) return false;
  const signature = layer.annotations?.[signatureAnnotation];
  if (layer.mediaType === simpleSigningType && signature !== undefined) {
    wanted.tally.found += 1;
    const payload = await store.signatureBlob(layer, maxPayloadBytes);
    return isSimpleSigning(payload, Buffer.from(signature, "base64"), wanted);
  }
  if (!isBundleType(layer.mediaType)) return false;
  wanted.tally.found += 1;
  return isBundle(store, await store.signatureBlob(layer, maxPayloadBytes), wanted);
}

function isSimpleSigning(
  payload: Uint8Array,
  signature: Uint8Array,
  { digest, publicKey, tally }: Wanted,
): boolean {
  if (!isSignedBy(publicKey, payload, signature)) return false;
  const signed = signedDigest(payload);
  if (signed === digest) return true;
  tally.others.add(signed ?? "something that is no image");
  return false;
}

async function isBundle(
  store: AttachedSignatures,
  bytes: Uint8Array,
  { digest, publicKey, tally }: Wanted,
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
  tally.others.add(stated[0] ?? "something that is no image signature");
  return false;
}

function asManifest(bytes: Uint8Array): Manifest | undefined {
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
      `There is no signature of ${image} beside the image.`,
      "Sign it with: cosign sign --key cosign.key IMAGE@DIGEST",
    );
  }
  if (others.size > 0) {
    return new NetbootError(
      "SIGNATURE_INVALID",
      `The key signed ${[...others].slice(0, 3).join(", ")}, not ${image}.`,
      "Somebody may have put a signature of another image there; ask who signs these images.",
    );
  }
  const many = found === 1 ? "The one signature" : `None of the ${found} signatures`;
  return new NetbootError(
    "SIGNATURE_INVALID",
    `${many} of ${image} ${found === 1 ? "was not" : "was"} made with this key.`,
    "Look whether it is the right key, and ask who signs these images.",
  );
}
