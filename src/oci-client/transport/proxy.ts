import { BlockList, isIP, isIPv6 } from "node:net";
import { OciClientError } from "../core/oci-client-error.js";
import { registerSecret } from "../core/redact.js";
import { sanitize } from "../core/sanitize.js";
import { isLoopback } from "./origin.js";

/** A forward proxy. */
export interface ForwardProxy {
  /** Without user and password. */
  readonly url: URL;
  /** The `Proxy-Authorization` header. */
  readonly authorization?: string;
}

/**
 * Finds the proxy for a URL in HTTP_PROXY, HTTPS_PROXY, and NO_PROXY; their lower-case forms take
 * precedence. There is none for this machine's loopback addresses: for the proxy they are its own.
 * @returns undefined if the URL needs no proxy
 * @throws OciClientError REGISTRY_CONFIG_INVALID for an invalid proxy URL
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): ForwardProxy | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const address = env[name.toLowerCase()] || env[name];
  if (!address || isLoopback(url.hostname)) return undefined;
  if (isExempt(url, env.no_proxy || env.NO_PROXY || "")) return undefined;
  return parseProxy(address, name);
}

function parseProxy(address: string, name: string): ForwardProxy {
  const text = address.includes("://") ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname) throw invalidProxy(name, "does not contain the URL of a proxy");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalidProxy(name, `names a proxy of an unsupported type (${url.protocol})`);
  }
  const [user, password] = [url.username, url.password].map(decoded);
  [url.username, url.password] = ["", ""];
  if (!user) return { url };
  registerSecret(`${user}:${password}`);
  if (password) registerSecret(password);
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  return { url, authorization: `Basic ${credentials}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** NO_PROXY as curl reads it: hosts, which include their subdomains, addresses, CIDR, and `*`. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .split(/[,\s]+/)
    .filter((entry) => entry !== "")
    .some((entry) => covers(entry.toLowerCase(), host, port));
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInSubnet(host, entry);
  const [, name = entry, only] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const plain = name
    .replace(/^\[|\]$/g, "")
    .replace(/^\*?\./, "")
    .replace(/\.$/, "");
  return host === plain || (isIP(host) === 0 && host.endsWith(`.${plain}`));
}

function isInSubnet(host: string, subnet: string): boolean {
  const [address = "", bits = ""] = subnet.split("/");
  const maxBits = isIPv6(address) ? 128 : 32;
  if (isIP(host) === 0 || isIP(address) !== isIP(host)) return false;
  if (!/^\d+$/.test(bits) || Number(bits) > maxBits) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
  return list.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}

/** The message does not show the URL, which may contain a password. */
function invalidProxy(name: string, problem: string): OciClientError {
  const message = `The environment variable ${name} ${sanitize(problem)}.`;
  return new OciClientError("REGISTRY_CONFIG_INVALID", message, {
    hint: "Write it as http://HOST:PORT, or unset it.",
  });
}
