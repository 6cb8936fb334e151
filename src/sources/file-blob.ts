import type { Descriptor } from "../oci-client/index.js";
import { readChunks } from "../support/index.js";
import type { Blob } from "./blob.js";

/** A blob whose file is complete. */
export class FileBlob implements Blob {
  readonly isComplete = true;

  /** @param complete settles when the digest was checked, where that is still to be done */
  constructor(
    readonly descriptor: Descriptor,
    readonly path: string,
    readonly complete: Promise<void> = Promise.resolve(),
  ) {
    // Whoever wants to know waits for it; nobody may, and that is no crash.
    complete.catch(() => {});
  }

  read(): AsyncIterable<Buffer> {
    return readChunks(this.path, this.descriptor.size);
  }
}
