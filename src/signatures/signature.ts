import * as crypto from "node:crypto";

/**
 * Signs bytes like `openssl dgst -sha256 -sign` (RSA: PKCS #1 v1.5; ECDSA: DER), or for Ed25519 like
 * `openssl pkeyutl -sign -rawin`. ECDSA signatures of the same bytes differ.
 */
export function sign(bytes: Uint8Array, privateKey: crypto.KeyObject): Buffer {
  const digest = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return crypto.sign(digest, bytes, privateKey);
}

/** Whether a signature of exactly these bytes was made with this key. */
export function isSignedBy(
  publicKey: crypto.KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  return digestsOf(publicKey).some((digest) => {
    try {
      return crypto.verify(digest, bytes, publicKey, signature);
    } catch {
      return false;
    }
  });
}

/** Newer cosign versions use the hash of the curve's size, all other programs SHA-256. */
function digestsOf({ asymmetricKeyType, asymmetricKeyDetails }: crypto.KeyObject) {
  if (asymmetricKeyType === "ed25519") return [null];
  if (asymmetricKeyDetails?.namedCurve === "secp384r1") return ["sha256", "sha384"];
  if (asymmetricKeyDetails?.namedCurve === "secp521r1") return ["sha256", "sha512"];
  return ["sha256"];
}
