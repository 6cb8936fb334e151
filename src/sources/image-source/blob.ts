import type { ByteSource } from "../../compression/index.js";
import type { Descriptor } from "../../oci-client/index.js";

/** The bytes of one descriptor, in a file that is there or being filled. */
export interface Blob extends ByteSource {
  readonly descriptor: Descriptor;
  /** The file; complete only once `isComplete`. */
  readonly path: string;
  /** Where in the file the bytes begin, if other bytes stand before and behind them. */
  readonly offset?: number;
  readonly isComplete: boolean;
  /** Settles when every byte is there and its digest was checked, or when it cannot be had. */
  readonly complete: Promise<void>;
  /**
   * The bytes from the first on, as they arrive; may be called any number of times. Each chunk is
   * good until the next is asked for.
   */
  read(): AsyncIterable<Buffer>;
}
