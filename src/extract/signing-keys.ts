import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checksumsName, checksumsSignatureName } from "../artifacts/index.js";
import type { ResolveOptions } from "../oci-client/index.js";
import { isSignedBy, readPrivateKey, readPublicKey, verifyImage } from "../signatures/index.js";
import type { ImageSource } from "../sources/index.js";
import type { CheckedOptions } from "./check-options.js";

export interface Keys {
  /** To check the image with. */
  readonly verify: KeyObject | undefined;
  /** To sign the checksums with. */
  readonly sign: KeyObject | undefined;
}

/** @throws NetbootError KEY_INVALID, before the long work and not after it */
export async function readKeys({ verifyKey, signKey }: CheckedOptions): Promise<Keys> {
  return {
    verify: verifyKey === undefined ? undefined : await readPublicKey(verifyKey),
    sign: signKey === undefined ? undefined : await readPrivateKey(signKey),
  };
}

/** What an image has to stand before anything but its manifest is fetched. */
export function approval(
  source: ImageSource,
  { verify }: Keys,
  { emit }: CheckedOptions,
): ResolveOptions["approve"] {
  if (verify === undefined) return undefined;
  return async ({ digest, indexDigest }) => {
    const digests = indexDigest === undefined ? [digest] : [digest, indexDigest];
    const signature = await verifyImage(source.signatures, digests, verify);
    emit({ type: "message", level: "info", text: `The key signed ${signature.digest}.` });
  };
}

/** True where no signature is wanted, or the earlier checksums have one of this key. */
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
