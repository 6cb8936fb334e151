import { rootCertificates } from "node:tls";
import { readSmallFile } from "../core/small-file.js";

/** Where distributions keep the authorities that this machine trusts, in the order Go looks. */
const bundlePaths = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const maxBundleBytes = 8 * 1024 * 1024;

/**
 * The authorities that programs on this machine trust, as PEM: SSL_CERT_FILE or the system's bundle,
 * as other registry clients use it, else Node's own; and NODE_EXTRA_CA_CERTS, which Node ignores where
 * a list is given.
 */
export async function trustedRoots(env: NodeJS.ProcessEnv): Promise<string[]> {
  const places = env.SSL_CERT_FILE ? [env.SSL_CERT_FILE, ...bundlePaths] : bundlePaths;
  const extra = env.NODE_EXTRA_CA_CERTS;
  const [system, more] = [await firstBundle(places), extra && (await readBundle(extra))];
  const isNews = more && more !== system;
  return [...(system === undefined ? rootCertificates : [system]), ...(isNews ? [more] : [])];
}

async function firstBundle(places: string[]): Promise<string | undefined> {
  for (const path of places) {
    const text = await readBundle(path);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function readBundle(path: string): Promise<string | undefined> {
  const text = await readSmallFile(path, maxBundleBytes).catch(() => undefined);
  return text?.includes("-----BEGIN CERTIFICATE-----") ? text : undefined;
}
