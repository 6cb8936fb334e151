import type { Descriptor } from "../core/descriptor.js";
import { OciClientError } from "../core/oci-client-error.js";
import { sanitize } from "../core/sanitize.js";
import type { HttpResponse } from "./http-exchange.js";

/** A blob's unverified bytes. */
export interface BlobBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** The position of the first byte of `body` in the blob: 0 if the server ignored the range. */
  readonly offset: number;
}

/**
 * The body of the response to a GET for a blob from `offset` on (RFC 9110, section 14).
 * @returns undefined if the response is an error
 * @throws OciClientError REGISTRY_ERROR if the server sent another range than requested
 */
export async function blobBody(
  response: HttpResponse,
  { digest, size }: Descriptor,
  offset: number,
): Promise<BlobBody | undefined> {
  if (response.status === 200) return { body: response.body, offset: 0 };
  if (response.status !== 206) return undefined;
  const range = response.header("content-range") ?? "no Content-Range";
  // With any other range the caller would write bytes to the wrong position.
  const wanted = [size, "*"].map((total) => `bytes ${offset}-${size - 1}/${total}`);
  if (wanted.includes(range.trim().toLowerCase())) {
    return { body: response.body, offset };
  }
  await response.discard();
  const message = `${sanitize(response.url.host)} sent another range of ${digest} than requested`;
  throw new OciClientError("REGISTRY_ERROR", `${message} (${sanitize(range)}).`, {
    hint: "Download the blob again from its beginning.",
    status: 206,
  });
}
