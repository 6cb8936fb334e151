import type { Descriptor } from "../../oci-client/index.js";

/** The bytes of one descriptor, in a file that is complete or still growing. */
export interface Blob {
  readonly descriptor: Descriptor;
  /** The file; it holds all bytes only once `isComplete` is true. */
  readonly path: string;
  /** The byte of the file at which the blob begins, if the file holds more than the blob. */
  readonly offset?: number;
  readonly isComplete: boolean;
  /**
   * Resolves when every byte is there and the digest was checked; rejects when the blob cannot be
   * obtained.
   */
  readonly complete: Promise<void>;
  /**
   * Reads the bytes from the first one on, as they arrive. It may be called any number of times. A
   * chunk is valid until the next one is requested.
   */
  read(): AsyncIterable<Buffer>;
}
