import type { Hash } from "node:crypto";
import type { Descriptor } from "./descriptor.js";
import { hashFor } from "./digest.js";
import { OciClientError } from "./oci-client-error.js";

/** What is known beforehand of some content. */
export type Expected = Pick<Descriptor, "digest"> & Partial<Pick<Descriptor, "size">>;

/**
 * Checks content that is already in memory; `what` names it in the message.
 * @throws OciClientError BLOB_MISMATCH
 */
export function verifyBytes(bytes: Uint8Array, { digest, size }: Expected, what: string): void {
  if (size !== undefined && bytes.length !== size) {
    throw mismatch(`The ${what} ${digest} has ${bytes.length} bytes instead of ${size}.`);
  }
  assertDigest(`${hashFor(digest).update(bytes).digest("hex")}`, digest, what);
}

/** Checks a blob whose bytes come one after the other, from wherever. */
export class BlobVerifier {
  readonly #descriptor: Pick<Descriptor, "digest" | "size">;
  readonly #hash: Hash;
  #received = 0;

  constructor(descriptor: Pick<Descriptor, "digest" | "size">) {
    this.#descriptor = descriptor;
    this.#hash = hashFor(descriptor.digest);
  }

  /** Bytes that were given to it. */
  get received(): number {
    return this.#received;
  }

  /** @throws OciClientError BLOB_MISMATCH, not having taken them, if there are more than the size */
  update(chunk: Uint8Array): void {
    const { digest, size } = this.#descriptor;
    if (this.#received + chunk.length > size) {
      throw mismatch(`The blob ${digest} goes on beyond its ${size} bytes.`);
    }
    this.#received += chunk.length;
    this.#hash.update(chunk);
  }

  /** @throws OciClientError BLOB_MISMATCH if as many bytes, from elsewhere, were others */
  assertSame(other: BlobVerifier): void {
    const [its, own] = [other, this].map((each) => each.#hash.copy().digest("hex"));
    if (its === own) return;
    throw mismatch(`The blob ${this.#descriptor.digest} came with other bytes than before.`);
  }

  /** @throws OciClientError BLOB_MISMATCH, retryable if bytes are missing */
  finish(): void {
    const { digest, size } = this.#descriptor;
    if (this.#received < size) {
      throw mismatch(`The blob ${digest} ended after ${this.#received} of ${size} bytes.`, true);
    }
    assertDigest(this.#hash.digest("hex"), digest, "blob");
  }
}

/**
 * Passes a blob's bytes on and checks them: stops before handing out more bytes than the descriptor
 * says, and fails after the last one if they were too few or others than the digest names. What was
 * handed out must therefore not be used until the generator has ended.
 * @throws OciClientError BLOB_MISMATCH, retryable if bytes were missing
 */
export async function* verifyingStream(
  body: AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, "digest" | "size">,
): AsyncGenerator<Uint8Array, void, undefined> {
  const verifier = new BlobVerifier(descriptor);
  for await (const chunk of body) {
    verifier.update(chunk);
    yield chunk;
  }
  verifier.finish();
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
