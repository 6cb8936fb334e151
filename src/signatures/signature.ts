import * as crypto from "node:crypto";

/**
 * The signature of bytes as `openssl dgst -sha256 -sign` makes it (RSA: PKCS #1 v1.5; ECDSA: DER),
 * or for Ed25519 `openssl pkeyutl -sign -rawin`. That of ECDSA is another one each time.
 */
export function sign(bytes: Uint8Array, privateKey: crypto.KeyObject): Buffer {
  const digest = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return crypto.sign(digest, bytes, privateKey);
}

/** True where this key made the signature, over just these bytes. */
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

/** Newer cosign takes the hash of a curve's size, everything else SHA-256. */
function digestsOf({ asymmetricKeyType, asymmetricKeyDetails }: crypto.KeyObject) {
  if (asymmetricKeyType === "ed25519") return [null];
  if (asymmetricKeyDetails?.namedCurve === "secp384r1") return ["sha256", "sha384"];
  if (asymmetricKeyDetails?.namedCurve === "secp521r1") return ["sha256", "sha512"];
  return ["sha256"];
}
