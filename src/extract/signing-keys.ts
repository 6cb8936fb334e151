import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checksumsName, checksumsSignatureName } from "../artifacts/index.js";
import type { ResolveOptions } from "../oci-client/index.js";
import {
  describeSignature,
  findWeaknesses,
  isSignedBy,
  openVerifier,
  readPrivateKey,
  requireSignature,
  type SignatureVerifier,
} from "../signatures/index.js";
import type { ImageSource } from "../sources/index.js";
import type { CheckedOptions } from "./check-options.js";

export interface Keys {
  /** Verifies the signature of the image. */
  readonly verifier: SignatureVerifier | undefined;
  /** Signs the checksums. */
  readonly sign: KeyObject | undefined;
}

/**
 * Reads the keys and the trusted root before the long work, so that a wrong one is reported early.
 * @throws NetbootError KEY_INVALID, TRUSTED_ROOT_INVALID, TRUSTED_ROOT_UNAVAILABLE, INTERRUPTED
 */
export async function readKeys(
  options: CheckedOptions,
  signal: AbortSignal | undefined,
): Promise<Keys> {
  const { requiredSignature: required, signKey, cache, cacheDir, emit } = options;
  const sign = signKey === undefined ? undefined : await readPrivateKey(signKey);
  if (required === undefined) return { verifier: undefined, sign };
  for (const text of findWeaknesses(required)) emit({ type: "message", level: "warning", text });
  const cacheDirectory = cache ? cacheDir : undefined;
  return { verifier: await openVerifier(required, { cacheDirectory, signal }), sign };
}

/** Verifies the signature of an image before anything but its manifest is fetched. */
export function signatureCheck(
  source: ImageSource,
  { verifier }: Keys,
  { emit }: CheckedOptions,
): ResolveOptions["approve"] {
  return requireSignature(source.signatures, verifier, (signature) =>
    emit({ type: "message", level: "info", text: describeSignature(signature) }),
  );
}

/** True if no signature is wanted, or if the earlier checksums are signed with this key. */
export async function isSigned(directory: string, { sign }: Keys): Promise<boolean> {
  if (sign === undefined) return true;
  try {
    const sums = await readFile(join(directory, checksumsName));
    const signature = await readFile(join(directory, checksumsSignatureName));
    return isSignedBy(createPublicKey(sign), sums, signature);
  } catch {
    return false;
  }
}
