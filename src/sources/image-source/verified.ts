import { createHash } from "node:crypto";
import { NetbootError } from "../../support/index.js";

/**
 * Gives bytes back that have the digest, and the size if it is known.
 * @throws NetbootError BLOB_MISMATCH
 */
export function verified(bytes: Uint8Array, digest: string, size = bytes.length): Uint8Array {
  const [algorithm, hex] = digest.split(":");
  const actual = createHash(algorithm!).update(bytes).digest("hex");
  if (actual === hex && bytes.length === size) return bytes;
  throw new NetbootError(
    "BLOB_MISMATCH",
    `The blob ${digest} has other content than its digest says.`,
    "Copy the image again.",
  );
}
