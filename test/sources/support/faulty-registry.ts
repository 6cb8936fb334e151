import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { serve, serveImage } from "../../oci-client/support/local-server.js";

/** One request to which a fault applies, and the means to answer it. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly kind: Kind;
  /** The number of this request among those of its kind, from 1. */
  readonly time: number;
  /** The first byte of the requested range; 0 without a range. */
  readonly from: number;
  /** The complete contents. */
  readonly bytes: Buffer;
  /** The address of another server, for redirects. */
  readonly elsewhere: string;
  /** Waits until the client has stored this many bytes of the layer. */
  hasStored(bytes: number): Promise<void>;
  /** Answers correctly, with 200, or with 206 for a range. */
  well(): void;
}

/** Answers a request incorrectly. */
export type Fault = (asked: Asked) => void;

export type Kind = "manifest" | "config" | "layer" | "token" | "elsewhere";

export interface FaultyRegistry {
  readonly host: string;
  /** The requests, with the first byte of their range, or 0. */
  readonly asked: readonly { readonly kind: Kind; readonly from: number }[];
  /** Problems with the requests; there should be none. */
  readonly complaints: readonly string[];
}

/**
 * A registry of one image on a real socket, in which faults answer some kinds of requests. Another
 * server plays the CDN, which must not receive credentials.
 */
export async function faultyRegistry(
  t: TestContext,
  content: ImageContent,
  root: Pointer,
  faults: Partial<Record<Kind, Fault>>,
  cacheDirectory: string,
): Promise<FaultyRegistry> {
  const asked: { kind: Kind; from: number }[] = [];
  const complaints: string[] = [];
  const { config, layers } = content.json(root);
  const large: string = layers.at(-1).digest;
  const partial = join(cacheDirectory, "blobs/sha256", `${large.slice(7)}.partial`);

  function answer(kind: Kind, bytes: Buffer, place: string) {
    return (request: IncomingMessage, response: ServerResponse): boolean => {
      const fault = faults[kind];
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      asked.push({ kind, from });
      const time = asked.filter((each) => each.kind === kind).length;
      const well = () => sendWell(response, bytes, from);
      if (fault === undefined) well();
      else {
        const hasStored = (count: number) => hasSize(partial, count, response);
        fault({ request, response, kind, time, from, bytes, elsewhere: place, hasStored, well });
      }
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
  /** Only the token that was issued last is valid. */
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

/**
 * Sends the first bytes of what was requested, and leaves the connection open. For a layer, it resolves
 * when the client has stored them: it discards bytes that it has not read when a connection breaks.
 */
export async function sendSome(
  { response, bytes, from, kind, hasStored }: Asked,
  length: number,
): Promise<void> {
  const range = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from === 0 ? 200 : 206, {
    "content-length": bytes.length - from,
    ...(from > 0 && range),
  });
  await new Promise<void>((resolve) => {
    response.write(bytes.subarray(from, from + length), () => resolve());
  });
  if (kind === "layer" || kind === "elsewhere") await hasStored(from + length);
}

/** Waits until a file has this many bytes, or until the connection is closed. */
async function hasSize(path: string, bytes: number, response: ServerResponse): Promise<void> {
  const size = () =>
    stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
  while (!response.destroyed && (await size()) < bytes) await delay(10);
}

export function sendStatus(
  { response }: Asked,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers).end();
}
