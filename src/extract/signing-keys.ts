import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checksumsName, checksumsSignatureName } from "../artifacts/index.js";
import type { ResolveOptions } from "../oci-client/index.js";
import { isSignedBy, readPrivateKey, readPublicKey, verifyImage } from "../signatures/index.js";
import type { ImageSource } from "../sources/index.js";
import type { CheckedOptions } from "./check-options.js";

export interface Keys {
  /** Verifies the signature of the image. */
  readonly verify: KeyObject | undefined;
  /** Signs the checksums. */
  readonly sign: KeyObject | undefined;
}

/**
 * Reads the keys before the long work, so that a wrong one is reported early.
 * @throws NetbootError KEY_INVALID
 */
export async function readKeys({ verifyKey, signKey }: CheckedOptions): Promise<Keys> {
  return {
    verify: verifyKey === undefined ? undefined : await readPublicKey(verifyKey),
    sign: signKey === undefined ? undefined : await readPrivateKey(signKey),
  };
}

/** Verifies the signature of an image before anything but its manifest is fetched. */
export function signatureCheck(
  source: ImageSource,
  { verify }: Keys,
  { emit }: CheckedOptions,
): ResolveOptions["approve"] {
  if (verify === undefined) return undefined;
  return async ({ digest, indexDigest }) => {
    const digests = indexDigest === undefined ? [digest] : [digest, indexDigest];
    const signature = await verifyImage(source.signatures, digests, verify);
    emit({
      type: "message",
      level: "info",
      text: `The signature of ${signature.digest} is valid.`,
    });
  };
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
