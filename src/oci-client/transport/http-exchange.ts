import type { Dispatcher } from "undici";
import type { Connection } from "./connections.js";
import { networkError } from "./network-error.js";
import { transferError } from "./transfer-error.js";

export interface HttpRequest {
  readonly method?: "GET" | "POST";
  /** A list of values becomes as many header lines. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly authorization?: string;
  readonly body?: string;
  /** Whether a redirect to another host is an error. */
  readonly staysOnHost?: boolean;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** The URL that answered. */
  readonly url: URL;
  /** A header by its lower-case name. Several headers of that name are joined by commas. */
  header(name: string): string | undefined;
  /** Can be read once. Throws REGISTRY_UNREACHABLE if the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Releases the connection instead of reading the body. */
  discard(): Promise<void>;
}

/**
 * Sends one request and waits for the response's headers. The signal ends the body too.
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
      headers: {
        // A proxy that forwards plain requests, such as tinyproxy, keeps one line of each name.
        ...(via !== undefined && url.protocol === "http:" ? joinLines(headers) : headers),
        ...(authorization !== undefined && { authorization }),
      },
      body,
      signal,
    });
    return toResponse(answer, url, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw networkError(connection.alert ?? error, url, via);
  }
}

/** One line with commas means the same as several lines (RFC 9110, section 5.3). */
function joinLines(headers: HttpRequest["headers"] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
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
