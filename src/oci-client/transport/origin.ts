/** A registry's origin: plain HTTP on this machine's loopback addresses, otherwise HTTPS. */
export function registryOrigin(registry: string): URL {
  // Docker Hub's name in references differs from the host of its registry.
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const url = new URL(`https://${host}/`);
  return isLoopback(url.hostname) ? new URL(`http://${host}/`) : url;
}

/** Whether requests to a URL are allowed: HTTPS to any host, plain HTTP to this machine only. */
export function isAllowed(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

/** @param hostname of a URL, which writes every IPv4 address as four numbers */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]"
  );
}

/**
 * Converts a host to its spelling in an HTTPS URL, without the default port, so that two spellings of
 * one host are equal.
 * @returns undefined if it is not a valid host
 */
export function hostKey(host: string): string | undefined {
  if (!/^[^/?#@\\\s]+$/.test(host) || !URL.canParse(`https://${host}/`)) return undefined;
  return new URL(`https://${host === "docker.io" ? "registry-1.docker.io" : host}/`).host;
}
