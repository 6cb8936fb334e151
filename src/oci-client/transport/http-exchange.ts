import type { Dispatcher } from "undici";
import type { Connection } from "./connections.js";
import { networkError } from "./network-error.js";
import { transferError } from "./transfer-error.js";

export interface HttpRequest {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  authorization?: string;
  body?: string;
  /** Whether a redirect to another host is an error. */
  staysOnHost?: boolean;
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** The address that answered. */
  url: URL;
  /** A header by its lower-case name; several of one name are joined by commas. */
  header(name: string): string | undefined;
  /** To be read at most once; reading throws REGISTRY_UNREACHABLE when the connection breaks. */
  body: AsyncIterable<Uint8Array>;
  /** Gives up a body that nobody wants. */
  discard(): Promise<void>;
}

/** In milliseconds; `body` is the longest pause between two chunks. */
export interface Timeouts {
  connectMs: number;
  headersMs: number;
  bodyMs: number;
}

/**
 * Sends one request and waits for the answer's headers; the signal ends the body too.
 * @throws OciClientError REGISTRY_UNREACHABLE, or the signal's reason
 */
export async function exchange(
  connection: Connection,
  url: URL,
  { method = "GET", headers, authorization, body, signal }: HttpRequest,
): Promise<HttpResponse> {
  const { dispatcher, via } = connection;
  delete connection.alert;
  try {
    const answer = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      body,
      signal,
    });
    return toResponse(answer, url, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw networkError(connection.alert ?? error, url, via);
  }
}

function toResponse(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  url: URL,
  signal?: AbortSignal,
): HttpResponse {
  return {
    status: statusCode,
    url,
    header: (name) => [headers[name] ?? []].flat().join(", ") || undefined,
    body: translateErrors(body, url, signal),
    discard: () => body.dump({ limit: 64 * 1024 }).catch(() => {}),
  };
}

async function* translateErrors(
  body: AsyncIterable<Uint8Array>,
  url: URL,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    signal?.throwIfAborted();
    throw transferError(error, url);
  }
}
