/** Where a registry is spoken to: plain HTTP on this machine's own addresses, else HTTPS. */
export function registryOrigin(registry: string): URL {
  // Docker Hub's name in references is not the host that serves its registry.
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const url = new URL(`https://${host}/`);
  return isLoopback(url.hostname) ? new URL(`http://${host}/`) : url;
}

/** Whether `url` may be asked at all: HTTPS anywhere, plain HTTP only on this machine. */
export function isAllowed(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

/** `hostname` is a URL's, which has every spelling of an IPv4 address in the one with four numbers. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]"
  );
}

/**
 * A host as URLs have it, without the port that HTTPS has anyway, so that two spellings of one host
 * are the same; undefined for what names no host.
 */
export function hostKey(host: string): string | undefined {
  if (!/^[^/?#@\\\s]+$/.test(host) || !URL.canParse(`https://${host}/`)) return undefined;
  return new URL(`https://${host === "docker.io" ? "registry-1.docker.io" : host}/`).host;
}
