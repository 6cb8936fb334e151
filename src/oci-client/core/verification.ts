import type { Hash } from "node:crypto";
import type { Descriptor } from "./descriptor.js";
import { hashFor } from "./digest.js";
import { OciClientError } from "./oci-client-error.js";

/** The digest of content and, if it is known, the size. */
type ExpectedContent = Pick<Descriptor, "digest"> & Partial<Pick<Descriptor, "size">>;

/**
 * Checks content that is already in memory.
 * @param what the name of the content in the message
 * @throws OciClientError BLOB_MISMATCH
 */
export function verifyBytes(
  bytes: Uint8Array,
  { digest, size }: ExpectedContent,
  what: string,
): void {
  if (size !== undefined && bytes.length !== size) {
    throw mismatch(`The ${what} ${digest} has ${bytes.length} bytes instead of ${size}.`);
  }
  assertDigest(`${hashFor(digest).update(bytes).digest("hex")}`, digest, what);
}

/** Checks a blob as its bytes arrive, from one or more transfers. */
export class BlobVerifier {
  readonly #descriptor: Pick<Descriptor, "digest" | "size">;
  readonly #hash: Hash;
  #received = 0;

  constructor(descriptor: Pick<Descriptor, "digest" | "size">) {
    this.#descriptor = descriptor;
    this.#hash = hashFor(descriptor.digest);
  }

  /** Bytes so far. */
  get received(): number {
    return this.#received;
  }

  /**
   * Adds the next bytes.
   * @throws OciClientError BLOB_MISMATCH if there are more than the blob has; they are not added
   */
  update(chunk: Uint8Array): void {
    const { digest, size } = this.#descriptor;
    if (this.#received + chunk.length > size) {
      throw mismatch(`The blob ${digest} continues beyond its ${size} bytes.`);
    }
    this.#received += chunk.length;
    this.#hash.update(chunk);
  }

  /**
   * Compares the bytes so far with as many bytes of another transfer.
   * @throws OciClientError BLOB_MISMATCH if they differ
   */
  assertSame(other: BlobVerifier): void {
    const [theirs, own] = [other, this].map((each) => each.#hash.copy().digest("hex"));
    if (theirs === own) return;
    throw mismatch(`The blob ${this.#descriptor.digest} arrived with different bytes than before.`);
  }

  /**
   * Checks the size and the digest after the last byte.
   * @throws OciClientError BLOB_MISMATCH, retryable if bytes are missing
   */
  finish(): void {
    const { digest, size } = this.#descriptor;
    if (this.#received < size) {
      const message = `The blob ${digest} ended after ${this.#received} of ${size} bytes.`;
      throw mismatch(message, "incomplete");
    }
    assertDigest(this.#hash.digest("hex"), digest, "blob");
  }
}

/**
 * Yields a blob's bytes and checks them. Never yields more bytes than the descriptor says, and throws
 * after the last byte if the size or the digest is wrong: do not use the bytes before the generator has
 * ended.
 * @throws OciClientError BLOB_MISMATCH, retryable if bytes are missing
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
    throw mismatch(`The ${what} received for ${digest} has a different digest.`);
  }
}

function mismatch(
  message: string,
  failure: "mismatch" | "incomplete" = "mismatch",
): OciClientError {
  return new OciClientError("BLOB_MISMATCH", message, {
    hint:
      failure === "incomplete"
        ? "The transfer ended early: try again."
        : "The image or the connection to it is damaged: try again, or push the image again.",
    failure,
  });
}
