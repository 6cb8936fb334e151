import { X509Certificate } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import { fileErrorCode, readSmallFile } from "../core/small-file.js";

/** A client certificate with its key, both as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface HostCertificates {
  /** Additional trusted certificate authorities, as PEM. */
  readonly authorities: readonly string[];
  readonly keyPair?: KeyPair;
}

const maxFileBytes = 1024 * 1024;

/**
 * Reads the directory `HOST[:PORT]` in the first of `directories` that has it (containers-certs.d(5)):
 * `*.crt` are authorities, `*.cert` is a client certificate, and `*.key` its key. If there are several
 * client certificates, uses the first by name.
 * @param names the names that the host's directory may have
 * @returns undefined if there is no such directory
 * @throws OciClientError REGISTRY_CONFIG_INVALID
 */
export async function readCertificates(
  directories: readonly string[],
  names: readonly string[],
): Promise<HostCertificates | undefined> {
  for (const directory of directories.flatMap((each) => names.map((name) => join(each, name)))) {
    const files = await filesIn(directory);
    if (files === undefined) continue;
    const authorities = files.filter((name) => name.endsWith(".crt"));
    const certificate = files.find((name) => name.endsWith(".cert"));
    const keyPair = certificate && (await keyPairIn(directory, certificate, files));
    return {
      authorities: await Promise.all(
        authorities.map((name) => readAuthorities(join(directory, name))),
      ),
      ...(keyPair && { keyPair }),
    };
  }
  return undefined;
}

async function filesIn(directory: string): Promise<string[] | undefined> {
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    const code = fileErrorCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw invalid(directory, `cannot be read (${code})`, cause);
  }
}

async function keyPairIn(directory: string, certificate: string, files: string[]) {
  const key = certificate.replace(/cert$/, "key");
  const path = join(directory, certificate);
  if (!files.includes(key)) throw invalid(path, `has no key: ${sanitize(key)} is missing`);
  return readKeyPair(path, join(directory, key));
}

/** @throws OciClientError REGISTRY_CONFIG_INVALID */
export async function readAuthorities(path: string): Promise<string> {
  const text = await read(path);
  assertCertificates(text, path);
  return text;
}

/** @throws OciClientError REGISTRY_CONFIG_INVALID, which does not quote the key */
export async function readKeyPair(certPath: string, keyPath: string): Promise<KeyPair> {
  const [cert, key] = [await read(certPath), await read(keyPath)];
  assertCertificates(cert, certPath);
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(key)) {
    throw invalid(keyPath, "is protected by a passphrase");
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key))
    throw invalid(keyPath, "does not contain a key (PEM)");
  return { cert, key };
}

async function read(path: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readSmallFile(path, maxFileBytes);
  } catch (cause) {
    throw invalid(path, `cannot be read (${fileErrorCode(cause)})`, cause);
  }
  if (text === undefined) throw invalid(path, "is larger than 1 MiB");
  return text;
}

/** Node silently ignores everything that is not a certificate. */
function assertCertificates(text: string, path: string): void {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0) throw new RangeError("no PEM block");
    for (const block of blocks) new X509Certificate(block);
  } catch (cause) {
    throw invalid(path, "does not contain a certificate (PEM)", cause);
  }
}

function invalid(path: string, problem: string, cause?: unknown): OciClientError {
  const message = `The certificate file ${sanitize(path)} ${problem}.`;
  return new OciClientError("REGISTRY_CONFIG_INVALID", message, {
    hint: "Authorities are *.crt, client certificates *.cert with *.key, all in PEM without a passphrase.",
    cause,
  });
}
