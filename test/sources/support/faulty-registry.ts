import type { IncomingMessage, ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { serve, serveImage } from "../../oci-client/support/local-server.js";

/** One request for something that a fault is about, and the means to answer it. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** From 1: how often this was asked for. */
  readonly time: number;
  /** The byte that a range begins with; 0 without one. */
  readonly from: number;
  /** All that is there. */
  readonly bytes: Buffer;
  /** Another server, for redirects. */
  readonly elsewhere: string;
  /** Answers as a good registry does: 200, or 206 for a range. */
  well(): void;
}

/** Answers a request, and breaks a rule in doing so. */
export type Fault = (asked: Asked) => void;

export type Kind = "manifest" | "config" | "layer" | "token" | "elsewhere";

export interface FaultyRegistry {
  readonly host: string;
  /** What was asked for, with the range's first byte where there was one. */
  readonly asked: readonly { readonly kind: Kind; readonly from: number }[];
  /** What was wrong with the requests, of which there should be none. */
  readonly complaints: readonly string[];
}

/**
 * A registry of one image whose requests of some kinds are answered by faults, on real sockets, with
 * another server beside it that stands for a CDN and takes no credentials.
 */
export async function faultyRegistry(
  t: TestContext,
  content: ImageContent,
  root: Pointer,
  faults: Partial<Record<Kind, Fault>>,
): Promise<FaultyRegistry> {
  const asked: { kind: Kind; from: number }[] = [];
  const complaints: string[] = [];
  const { config, layers } = content.json(root);
  const large: string = layers.at(-1).digest;

  function answer(kind: Kind, bytes: Buffer, place: string) {
    return (request: IncomingMessage, response: ServerResponse): boolean => {
      const fault = faults[kind];
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      asked.push({ kind, from });
      const time = asked.filter((each) => each.kind === kind).length;
      const well = () => sendWell(response, bytes, from);
      if (fault === undefined) well();
      else fault({ request, response, time, from, bytes, elsewhere: place, well });
      return true;
    };
  }

  const elsewhere = await serve(t, (request, response) => {
    if (request.headers.authorization !== undefined) complaints.push("elsewhere got credentials");
    answer("elsewhere", content.bytes({ digest: large }), "")(request, response);
  });
  const place = `http://${elsewhere.host}`;
  const { host } = await serveImage(t, content, root, (request, response) => {
    const url = request.url!;
    if (url.startsWith("/token"))
      return answer("token", Buffer.from("{}"), place)(request, response);
    if (faults.token !== undefined && request.headers.authorization !== currentToken()) {
      response.setHeader("www-authenticate", `Bearer realm="http://${host}/token",service="x"`);
      response.writeHead(401).end();
      return true;
    }
    if (url.includes("/manifests/") && faults.manifest !== undefined) {
      response.setHeader("content-type", root.mediaType);
      return answer("manifest", content.bytes(root), place)(request, response);
    }
    if (url.endsWith(config.digest)) {
      return answer("config", content.bytes(config), place)(request, response);
    }
    if (url.endsWith(large)) {
      return answer("layer", content.bytes({ digest: large }), place)(request, response);
    }
    return false;
  });
  /** The token server's last answer counts. */
  function currentToken(): string {
    return `Bearer t${asked.filter(({ kind }) => kind === "token").length}`;
  }
  return { host, asked, complaints };
}

function sendWell(response: ServerResponse, bytes: Buffer, from: number): void {
  if (from === 0) {
    response.setHeader("content-length", bytes.length);
    response.end(bytes);
    return;
  }
  response.writeHead(206, {
    "content-length": bytes.length - from,
    "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  });
  response.end(bytes.subarray(from));
}

/** Sends some of what was asked for, and then lets the connection be as it is. */
export function sendSome({ response, bytes, from }: Asked, length: number): Promise<void> {
  const all = bytes.length - from;
  const range = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from === 0 ? 200 : 206, {
    "content-length": all,
    ...(from > 0 && range),
  });
  return new Promise((resolve) => {
    response.write(bytes.subarray(from, from + length), () => setTimeout(resolve, 300));
  });
}

export function sendStatus(
  { response }: Asked,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers).end();
}
