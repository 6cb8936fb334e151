import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { NetbootError, readSmallFile, systemCode } from "../support/index.js";

/** A key in PEM has at most a few kilobytes. */
const maxKeyBytes = 64 * 1024;
/** The environment variable with the passphrase of a private key. */
const passphraseVariable = "KAIROS_NETBOOT_SIGN_PASSPHRASE";

const supportedCurves = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * Reads a public key in PEM: ECDSA (P-256 as from `cosign generate-key-pair`, P-384, P-521), RSA
 * with at least 2048 bits, or Ed25519.
 * @throws NetbootError KEY_INVALID
 */
export async function readPublicKey(path: string): Promise<KeyObject> {
  const pem = await readPem(path);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw invalid(path, "is a private key", "Give the public key that belongs to it.");
  }
  if (!/-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) {
    throw invalid(path, "is not a public key in PEM", "Give a file such as cosign.pub.");
  }
  try {
    return assertSupported(createPublicKey(pem), path);
  } catch (error) {
    if (error instanceof NetbootError) throw error;
    throw invalid(path, "is not a valid public key", "Give a file such as cosign.pub.");
  }
}

/**
 * Reads a private key in PEM (PKCS #8, PKCS #1, SEC 1) of the same types.
 * @param passphrase of an encrypted key; from the environment by default
 * @throws NetbootError KEY_INVALID
 */
export async function readPrivateKey(
  path: string,
  passphrase = process.env[passphraseVariable],
): Promise<KeyObject> {
  const pem = await readPem(path);
  if (/-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----/.test(pem)) {
    throw invalid(
      path,
      "is encrypted in cosign's own format",
      "Generate a key with openssl: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    );
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw invalid(path, "is not a private key in PEM", "Generate one with: openssl genpkey");
  }
  const isEncrypted = /-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(pem);
  if (isEncrypted && (passphrase === undefined || passphrase === "")) {
    throw invalid(path, "is encrypted", `Set ${passphraseVariable} to its passphrase.`);
  }
  try {
    const given = isEncrypted && passphrase !== undefined ? { passphrase } : {};
    return assertSupported(createPrivateKey({ key: pem, ...given }), path);
  } catch (error) {
    if (error instanceof NetbootError) throw error;
    // Without the cause, because no part of a private key may appear in a message.
    throw isEncrypted
      ? invalid(path, "cannot be decrypted", `Check the passphrase in ${passphraseVariable}.`)
      : invalid(path, "is not a valid private key", "Generate one with: openssl genpkey");
  }
}

function assertSupported(key: KeyObject, path: string): KeyObject {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  const isUsable =
    kind === "ed25519" ||
    (kind === "rsa" && (details?.modulusLength ?? 0) >= 2048) ||
    (kind === "ec" && supportedCurves.includes(details?.namedCurve ?? ""));
  if (isUsable) return key;
  throw invalid(
    path,
    "has an unsupported type",
    "Use ECDSA with P-256, P-384, or P-521, RSA with at least 2048 bits, or Ed25519.",
  );
}

async function readPem(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, maxKeyBytes)).toString("latin1");
  } catch (error) {
    const code = systemCode(error);
    throw code === "EFBIG"
      ? invalid(path, "is too large for a key", "Give a file in PEM.")
      : invalid(path, `cannot be read (${code})`, "Check its path and permissions.");
  }
}

function invalid(path: string, problem: string, hint: string): NetbootError {
  return new NetbootError("KEY_INVALID", `The key ${path} ${problem}.`, hint);
}
