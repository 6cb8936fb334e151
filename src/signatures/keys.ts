import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { open } from "node:fs/promises";
import { NetbootError, systemCode } from "../support/index.js";

/** A key in PEM takes a few kilobytes at most. */
const maxKeyBytes = 64 * 1024;
/** Where the passphrase of a private key is looked for. */
export const passphraseVariable = "KAIROS_NETBOOT_SIGN_PASSPHRASE";

const supportedCurves = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * A public key in PEM: ECDSA (P-256 as `cosign generate-key-pair` makes, P-384, P-521), RSA from
 * 2048 bits, Ed25519.
 * @throws NetbootError KEY_INVALID
 */
export async function readPublicKey(path: string): Promise<KeyObject> {
  const pem = await readPem(path);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw invalid(path, "is a private key", "Name the public key that belongs to it.");
  }
  if (!/-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) {
    throw invalid(path, "is no public key in PEM", "Name a file such as cosign.pub.");
  }
  try {
    return checkedKind(createPublicKey(pem), path);
  } catch (error) {
    if (error instanceof NetbootError) throw error;
    throw invalid(path, "is no public key that can be read", "Name a file such as cosign.pub.");
  }
}

/**
 * A private key in PEM (PKCS #8, PKCS #1, SEC 1), of the same kinds; the passphrase of an
 * encrypted one is taken from the environment.
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
      "is encrypted in cosign's own way",
      "Make one with openssl: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    );
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw invalid(path, "is no private key in PEM", "Make one with: openssl genpkey");
  }
  const isEncrypted = /-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(pem);
  if (isEncrypted && (passphrase === undefined || passphrase === "")) {
    throw invalid(path, "is encrypted", `Give its passphrase in ${passphraseVariable}.`);
  }
  try {
    const given = isEncrypted && passphrase !== undefined ? { passphrase } : {};
    return checkedKind(createPrivateKey({ key: pem, ...given }), path);
  } catch (error) {
    if (error instanceof NetbootError) throw error;
    // The cause is left out: nothing of a private key belongs into a message.
    throw isEncrypted
      ? invalid(path, "cannot be decrypted", `Look at the passphrase in ${passphraseVariable}.`)
      : invalid(path, "is no private key that can be read", "Make one with: openssl genpkey");
  }
}

function checkedKind(key: KeyObject, path: string): KeyObject {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  const isUsable =
    kind === "ed25519" ||
    (kind === "rsa" && (details?.modulusLength ?? 0) >= 2048) ||
    (kind === "ec" && supportedCurves.includes(details?.namedCurve ?? ""));
  if (isUsable) return key;
  throw invalid(
    path,
    "is of a kind that is not used here",
    "Take ECDSA with P-256, P-384 or P-521, RSA with 2048 bits or more, or Ed25519.",
  );
}

async function readPem(path: string): Promise<string> {
  const file = await open(path).catch((error: unknown) => {
    throw invalid(path, `cannot be read (${systemCode(error)})`, "Look at its path and rights.");
  });
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(maxKeyBytes + 1),
      0,
      maxKeyBytes + 1,
    );
    if (bytesRead <= maxKeyBytes) return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    throw invalid(path, `cannot be read (${systemCode(error)})`, "Name a file.");
  } finally {
    await file.close();
  }
  throw invalid(path, "is too large for a key", "Name a file in PEM.");
}

function invalid(path: string, problem: string, hint: string): NetbootError {
  return new NetbootError("KEY_INVALID", `The key ${path} ${problem}.`, hint);
}
