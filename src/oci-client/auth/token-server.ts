import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { abortable } from "../core/abortable.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { ConnectionConfig } from "../transport/connection-options.js";
import { isLoopback } from "../transport/origin.js";
import { reachOf } from "./private-address.js";

/**
 * The token server that a registry names, if it may be asked. Its address comes from whoever answered
 * for the registry, and so must lead nowhere that the registry has no business with: to no plain HTTP
 * where the registry speaks HTTPS, and into no private network or machine but the registry's own.
 * @param origin where the registry is spoken to
 * @throws OciClientError REGISTRY_ERROR, or the signal's reason
 */
export async function tokenServer(
  registry: string,
  realm: string,
  origin: URL,
  settings: ConnectionConfig,
  signal?: AbortSignal,
): Promise<URL> {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !isSafe(url, origin, settings)) {
    const hint = "If it has no TLS on purpose, name its host with --insecure, too.";
    const isHintOfUse = url?.protocol === "http:" && settings.isInsecure(origin);
    const problem = "names no token server that is safe to ask";
    throw badTokenServer(registry, problem, isHintOfUse ? hint : undefined);
  }
  // Credentials in an address would go to places that they were not meant for.
  [url.username, url.password, url.hash] = ["", "", ""];
  // A name server that does not answer cannot be told to stop.
  const isOwn = await abortable(isItsOwn(url, origin, settings), signal);
  if (!isOwn) {
    const problem = `names a token server on a private address that is not its own, ${url.host}`;
    throw badTokenServer(registry, problem);
  }
  return url;
}

/** Only a registry that is spoken to over plain HTTP may have its credentials sent over it. */
function isSafe(url: URL, origin: URL, settings: ConnectionConfig): boolean {
  if (url.protocol === "https:") return true;
  if (url.protocol !== "http:" || origin.protocol !== "http:") return false;
  if (isLoopback(origin.hostname)) return isLoopback(url.hostname);
  return url.hostname === origin.hostname || settings.isInsecure(url);
}

async function isItsOwn(url: URL, origin: URL, settings: ConnectionConfig): Promise<boolean> {
  if (url.hostname === origin.hostname) return true;
  const addresses = await addressesOf(url, settings);
  const hidden = addresses.filter((address) => reachOf(address) !== "public");
  if (hidden.length === 0) return true;
  const registryAddresses = await addressesOf(origin, settings);
  if (hidden.every((address) => registryAddresses.includes(address))) return true;
  // Within one private network a registry may send to a neighbour, by a name that a certificate is
  // for; not to a bare address, and not to the machine that this program runs on.
  const isNeighbour = [...hidden, ...registryAddresses].every(
    (address) => reachOf(address) === "private",
  );
  return isNeighbour && registryAddresses.length > 0 && isName(url);
}

function isName({ hostname }: URL): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
}

/** Empty where the name is not known here: a proxy may know it, or the connection will fail. */
async function addressesOf(url: URL, settings: ConnectionConfig): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return [host];
  if (isLoopback(host)) return ["127.0.0.1", "::1"];
  if (!settings.isDirect(url)) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

export function badTokenServer(
  registry: string,
  problem: string,
  hint = "The registry is set up wrongly: tell the people who run it.",
): OciClientError {
  return new OciClientError("REGISTRY_ERROR", `${registry} ${sanitize(problem)}.`, { hint });
}
