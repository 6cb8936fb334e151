import type { Descriptor } from "./descriptor.js";
import { hashFor } from "./digest.js";
import { OciClientError } from "./error.js";

/** What is known beforehand of some content. */
export type Expected = Pick<Descriptor, "digest"> & Partial<Pick<Descriptor, "size">>;

/**
 * Checks content that is already in memory; `what` names it in the message.
 *
 * @throws OciClientError BLOB_MISMATCH
 */
export function verifyBytes(bytes: Uint8Array, { digest, size }: Expected, what: string): void {
  if (size !== undefined && bytes.length !== size) {
    throw mismatch(`The ${what} ${digest} has ${bytes.length} bytes instead of ${size}.`);
  }
  assertDigest(`${hashFor(digest).update(bytes).digest("hex")}`, digest, what);
}

/**
 * Passes a blob's bytes on and checks them: stops before handing out more bytes than the descriptor
 * says, and fails after the last one if they were too few or others than the digest names. What was
 * handed out must therefore not be used until the generator has ended.
 *
 * @throws OciClientError BLOB_MISMATCH, retryable if bytes were missing
 */
export async function* verifyingStream(
  body: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = hashFor(digest);
  let received = 0;
  for await (const chunk of body) {
    received += chunk.length;
    if (received > size) throw mismatch(`The blob ${digest} goes on beyond its ${size} bytes.`);
    hash.update(chunk);
    yield chunk;
  }
  if (received < size) {
    throw mismatch(`The blob ${digest} ended after ${received} of ${size} bytes.`, true);
  }
  assertDigest(hash.digest("hex"), digest, "blob");
}

function assertDigest(hex: string, digest: string, what: string): void {
  if (!digest.endsWith(`:${hex}`)) {
    throw mismatch(`The ${what} that came for ${digest} has other content.`);
  }
}

function mismatch(message: string, retryable = false): OciClientError {
  return new OciClientError("BLOB_MISMATCH", message, {
    hint: retryable
      ? "The transfer broke off: try again."
      : "The image or the way to it is damaged: try again, or push the image again.",
    retryable,
  });
}
