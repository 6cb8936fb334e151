import type { IncomingMessage } from "node:http";
import type { BootHttpRequest } from "./resource.js";

/** @returns undefined for a malformed target, or if the client is gone */
export function parseRequest(request: IncomingMessage): BootHttpRequest | undefined {
  const { localAddress, localPort, remoteAddress } = request.socket;
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  const [target = "", search = ""] = originForm(request.url ?? "").split("?", 2);
  const path = decodePath(target);
  if (path === undefined) return undefined;
  return {
    path,
    query: new URLSearchParams(search),
    method: request.method ?? "GET",
    range: request.headers.range,
    client: unmapped(remoteAddress),
    base: `http://${unmapped(localAddress)}:${localPort}`,
  };
}

/** A server has to accept the absolute form, too: `http://host/path` (RFC 9112, section 3.2.2). */
function originForm(url: string): string {
  const [authority] = /^https?:\/\/[^/?]*/i.exec(url) ?? [];
  if (authority === undefined) return url;
  const rest = url.slice(authority.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** On a socket for both IPv6 and IPv4, IPv4 addresses begin with `::ffff:` (RFC 4291, 2.5.5.2). */
function unmapped(address: string): string {
  return address.replace(/^::ffff:/, "");
}

/** Merges repeated slashes, because shim requests `//grubx64.efi`. */
function decodePath(target: string): string | undefined {
  try {
    const path = decodeURIComponent(target);
    return path.startsWith("/") ? path.replace(/\/{2,}/g, "/") : undefined;
  } catch {
    return undefined;
  }
}
