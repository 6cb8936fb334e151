import type { Descriptor } from "../../oci-client/index.js";
import { readChunks } from "../../support/index.js";
import type { Blob } from "./blob.js";
import type { FileSlice } from "./file-slice.js";

/** A blob in a file that is complete; it may be a part of an archive. */
export class FileBlob implements Blob {
  readonly isComplete = true;
  readonly path: string;
  readonly offset?: number;

  /**
   * @param location the file, or the part of a file
   * @param complete settles when the digest was checked, if that is still to be done
   */
  constructor(
    readonly descriptor: Descriptor,
    location: string | FileSlice,
    readonly complete: Promise<void> = Promise.resolve(),
  ) {
    if (typeof location === "string") {
      this.path = location;
    } else {
      this.path = location.path;
      if (location.offset !== undefined) this.offset = location.offset;
    }
    // Callers that need the result await it. Without a caller, a rejection must not end the process.
    complete.catch(() => {});
  }

  get size(): number {
    return this.descriptor.size;
  }

  read(): AsyncIterable<Buffer> {
    return readChunks(this.path, this.descriptor.size, this.offset);
  }
}
