import type { Stats } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { send } from "@fastify/send";

/** The answer to a request for a file, except for the file's bytes. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The file that the answer is about; undefined if there is none. */
  readonly stats: Stats | undefined;
  /** Bytes `start` to `end` (exclusive) of the file form the body. */
  readonly start: number;
  readonly end: number;
}

const options = {
  cacheControl: false,
  contentType: false,
  dotfiles: "allow",
  index: false,
} as const;

/**
 * Evaluates the conditions and the range of a request (RFC 9110, sections 13 and 14).
 *
 * `@fastify/send` does the work, as for a HEAD request, so that it does not open the file. It only
 * supports its own ETags, which it makes of size and time, so the file's ETag is replaced by that one
 * in the request.
 * @param etag of the file: strong, in its quotes
 */
export async function evaluateRequest(
  request: Pick<IncomingMessage, "headers" | "method">,
  path: string,
  etag: string,
): Promise<AnswerHead> {
  const encodedPath = encodeURI(path);
  const { range: _, ...others } = request.headers;
  // A range is for GET only (RFC 9110, section 14.2).
  const headers = request.method === "HEAD" ? others : request.headers;
  const hasEtag = etagFields.some((field) => headers[field]?.includes(etag));
  const known = hasEtag ? (await sendHead({}, encodedPath)).headers.ETag : undefined;
  const translated = known === undefined ? headers : translateEtag(headers, etag, known);
  const result = await sendHead(translated, encodedPath);
  const { "Content-Length": length = "0", "Content-Range": range } = result.headers;
  const [, first = "0"] = /^bytes (\d+)-/.exec(range ?? "") ?? [];
  const hasBody = result.statusCode === 200 || result.statusCode === 206;
  const start = Number(first);
  return {
    status: result.statusCode,
    headers: result.headers,
    stats: result.type === "file" ? result.metadata.stat : undefined,
    start,
    end: hasBody ? start + Number(length) : start,
  };
}

const etagFields = ["if-match", "if-none-match", "if-range"] as const;

function sendHead(headers: IncomingHttpHeaders, encodedPath: string) {
  // The library reads nothing else of a request.
  const request = { method: "HEAD", headers } as IncomingMessage;
  return send(request, encodedPath, options);
}

/** `If-None-Match` compares weakly, the other two strongly (RFC 9110, section 8.8.3.2). */
function translateEtag(
  headers: IncomingHttpHeaders,
  etag: string,
  replacement: string,
): IncomingHttpHeaders {
  const translated = { ...headers };
  for (const field of etagFields) {
    const value = headers[field];
    if (typeof value !== "string") continue;
    const tags = value.split(/(?<=")\s*,\s*/).map((tag) => {
      const isSame = tag === etag || (field === "if-none-match" && tag === `W/${etag}`);
      return isSame ? replacement : tag;
    });
    translated[field] = tags.join(", ");
  }
  return translated;
}
