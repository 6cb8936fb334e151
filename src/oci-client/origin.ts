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
function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]"
  );
}
