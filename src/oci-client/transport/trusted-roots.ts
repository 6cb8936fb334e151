import { rootCertificates } from "node:tls";
import { readSmallFile } from "../core/small-file.js";

/** Where distributions keep the certificate authorities that this machine trusts, in Go's order. */
const bundlePaths = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const maxBundleBytes = 8 * 1024 * 1024;

/**
 * The certificate authorities that programs on this machine trust, as PEM: SSL_CERT_FILE or the system's
 * bundle, as in other registry clients, otherwise Node's own; and NODE_EXTRA_CA_CERTS, which Node ignores
 * if it is given a list.
 */
export async function trustedRoots(env: NodeJS.ProcessEnv): Promise<string[]> {
  const paths = env.SSL_CERT_FILE ? [env.SSL_CERT_FILE, ...bundlePaths] : bundlePaths;
  const extra = env.NODE_EXTRA_CA_CERTS;
  const [system, more] = [await firstBundle(paths), extra && (await readBundle(extra))];
  const isNew = more && more !== system;
  return [...(system === undefined ? rootCertificates : [system]), ...(isNew ? [more] : [])];
}

async function firstBundle(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const text = await readBundle(path);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function readBundle(path: string): Promise<string | undefined> {
  const text = await readSmallFile(path, maxBundleBytes).catch(() => undefined);
  return text?.includes("-----BEGIN CERTIFICATE-----") ? text : undefined;
}
