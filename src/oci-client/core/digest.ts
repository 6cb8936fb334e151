import { createHash, type Hash } from "node:crypto";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/**
 * Whether `text` is a digest of one of the two registered algorithms, sha256 or sha512, in its only
 * valid spelling (OCI image spec, descriptor.md, "Registered algorithms").
 */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Computes the digest of `bytes` as descriptors write it: `sha256:` and 64 lower-case hex digits. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Whether a valid `digest` is the digest of `bytes`. */
export function isDigestOf(digest: string, bytes: Uint8Array): boolean {
  return digest.endsWith(`:${hashFor(digest).update(bytes).digest("hex")}`);
}

/** Computes a digest with the algorithm of the one that it is to be compared with. */
export class Digester {
  readonly #algorithm: string;
  readonly #hash: Hash;

  /** @param expected a valid digest */
  constructor(expected: string) {
    this.#algorithm = algorithmOf(expected);
    this.#hash = hashFor(expected);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of all bytes. Call it once, after the last byte. */
  finish(): string {
    return `${this.#algorithm}:${this.#hash.digest("hex")}`;
  }
}

/** Creates a hash of the algorithm that a valid `digest` was made with. */
export function hashFor(digest: string): Hash {
  return createHash(algorithmOf(digest));
}

/** @returns `sha256` or `sha512` */
function algorithmOf(digest: string): string {
  return digest.slice(0, digest.indexOf(":"));
}
