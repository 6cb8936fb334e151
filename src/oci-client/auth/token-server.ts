import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { abortable } from "../core/abortable.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { ConnectionConfig } from "../transport/connection-options.js";
import { isLoopback } from "../transport/origin.js";
import { reachOf } from "./private-address.js";

/**
 * Checks the token server that a registry names, which receives the credentials. An attacker who answers
 * for the registry can choose this URL. It must therefore not lead to plain HTTP if the registry uses
 * HTTPS, and not to a private network or a machine except the registry's own.
 * @param origin the registry's
 * @returns the token server's URL without user, password, and fragment
 * @throws OciClientError REGISTRY_ERROR, or the signal's reason
 */
export async function tokenServer(
  registry: string,
  realm: string,
  origin: URL,
  config: ConnectionConfig,
  signal?: AbortSignal,
): Promise<URL> {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !isSafe(url, origin, config)) {
    const hint = "If it has no TLS on purpose, add its host with --insecure too.";
    const isHintUseful = url?.protocol === "http:" && config.isInsecure(origin);
    const problem = "does not name a token server that is safe to use";
    throw badTokenServer(registry, problem, isHintUseful ? hint : undefined);
  }
  // Credentials in a URL would be sent to hosts that they are not meant for.
  [url.username, url.password, url.hash] = ["", "", ""];
  // A DNS lookup cannot be aborted.
  const isReachable = await abortable(isInReach(url, origin, config), signal);
  if (!isReachable) {
    const problem = `names a token server on a private address that is not its own (${url.host})`;
    throw badTokenServer(registry, problem);
  }
  return url;
}

/** Credentials may be sent over plain HTTP only if the registry itself uses it. */
function isSafe(url: URL, origin: URL, config: ConnectionConfig): boolean {
  if (url.protocol === "https:") return true;
  if (url.protocol !== "http:" || origin.protocol !== "http:") return false;
  if (isLoopback(origin.hostname)) return isLoopback(url.hostname);
  return url.hostname === origin.hostname || config.isInsecure(url);
}

/** Whether the registry may send this client to the host: it is public, or in the registry's network. */
async function isInReach(url: URL, origin: URL, config: ConnectionConfig): Promise<boolean> {
  if (url.hostname === origin.hostname) return true;
  const addresses = await addressesOf(url, config);
  const hidden = addresses.filter((address) => reachOf(address) !== "public");
  if (hidden.length === 0) return true;
  const registryAddresses = await addressesOf(origin, config);
  if (hidden.every((address) => registryAddresses.includes(address))) return true;
  // In a private network the registry may name a neighbor by a host name, which a certificate proves.
  // Bare addresses and the machine that this program runs on stay forbidden.
  const isNeighbor = [...hidden, ...registryAddresses].every(
    (address) => reachOf(address) === "private",
  );
  return isNeighbor && registryAddresses.length > 0 && isName(url);
}

function isName({ hostname }: URL): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
}

/** Empty if this machine cannot resolve the name: a proxy may resolve it, or the connection fails. */
async function addressesOf(url: URL, config: ConnectionConfig): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return [host];
  if (isLoopback(host)) return ["127.0.0.1", "::1"];
  if (!config.isDirect(url)) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

export function badTokenServer(
  registry: string,
  problem: string,
  hint = "The registry is misconfigured: tell its administrators.",
): OciClientError {
  return new OciClientError("REGISTRY_ERROR", `${registry} ${sanitize(problem)}.`, { hint });
}
