import type { Descriptor } from "../core/descriptor.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { HttpResponse } from "./http-exchange.js";

/** A blob's bytes as they come, unverified. */
export interface BlobBody {
  body: AsyncIterable<Uint8Array>;
  /** Where in the blob `body` begins: 0 when the server ignored the range asked for. */
  offset: number;
}

/**
 * The body of an answer to a GET for a blob from `offset` on (RFC 9110, section 14), or undefined
 * if the answer is an error.
 * @throws OciClientError REGISTRY_ERROR for a part other than the one asked for
 */
export async function blobBody(
  response: HttpResponse,
  { digest, size }: Descriptor,
  offset: number,
): Promise<BlobBody | undefined> {
  if (response.status === 200) return { body: response.body, offset: 0 };
  if (response.status !== 206) return undefined;
  const range = response.header("content-range") ?? "no Content-Range";
  // Anything else would put bytes in the wrong place of the caller's file.
  const wanted = [size, "*"].map((total) => `bytes ${offset}-${size - 1}/${total}`);
  if (wanted.includes(range.trim().toLowerCase())) {
    return { body: response.body, offset };
  }
  await response.discard();
  const message = `${sanitize(response.url.host)} sent another part of ${digest} than was asked for`;
  throw new OciClientError("REGISTRY_ERROR", `${message} (${sanitize(range)}).`, {
    hint: "Fetch the blob again from its beginning.",
    status: 206,
  });
}
