import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Scope } from "../../support/suite-scope.js";
import type { ImageContent, Pointer } from "./image-content.js";

export interface LocalServer {
  /** `127.0.0.1:PORT`, as a reference's registry. */
  host: string;
  requests: IncomingMessage[];
}

/** A real server on a free loopback port, which ends with the test. */
export async function serve(t: Scope, listener: RequestListener): Promise<LocalServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  return { host: `127.0.0.1:${await listen(t, server)}`, requests };
}

export async function listen(t: Scope, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** Answers a request and says whether it did; what it leaves alone, the registry answers. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry of one repository, `os/image`, with one tag, `v1`. */
export function serveImage(
  t: Scope,
  content: ImageContent,
  root: Pointer,
  intercept: Interceptor = () => false,
): Promise<LocalServer> {
  return serve(t, (request, response) => {
    if (intercept(request, response)) return;
    const [, kind, name] = /^\/v2\/os\/image\/(manifests|blobs)\/(.+)$/.exec(request.url!) ?? [];
    const bytes = content.blobs.get(name === "v1" ? root.digest : name!);
    if (!bytes) return fail(response, 404, kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN");
    if (kind === "manifests") {
      response.setHeader("content-type", JSON.parse(bytes.toString()).mediaType);
    }
    response.end(bytes);
  });
}

/** An error as the OCI distribution spec's "Error Codes" section has it. */
export function fail(response: ServerResponse, status: number, code: string, message = ""): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message, detail: null }] }));
}
