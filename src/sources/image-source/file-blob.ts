import { type Descriptor, verifyingStream } from "../../oci-client/index.js";
import { readChunks } from "../../support/index.js";
import type { Blob } from "./blob.js";
import type { FileSlice } from "./file-slice.js";

/** A blob whose file is complete; it may be a part of an archive. */
export class FileBlob implements Blob {
  readonly isComplete = true;
  readonly path: string;
  readonly offset?: number;

  /**
   * @param place the file, or the part of one
   * @param complete settles when the digest was checked, where that is still to be done
   */
  constructor(
    readonly descriptor: Descriptor,
    place: string | FileSlice,
    readonly complete: Promise<void> = Promise.resolve(),
  ) {
    if (typeof place === "string") {
      this.path = place;
    } else {
      this.path = place.path;
      if (place.offset !== undefined) this.offset = place.offset;
    }
    // Whoever wants to know waits for it; nobody may, and that is no crash.
    complete.catch(() => {});
  }

  get size(): number {
    return this.descriptor.size;
  }

  read(): AsyncIterable<Buffer> {
    return readChunks(this.path, this.descriptor.size, this.offset);
  }
}

/**
 * Checks the digest of a blob's bytes.
 * @throws OciClientError BLOB_MISMATCH
 */
export async function verifySlice(
  { path, offset }: FileSlice,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const count = offset === undefined ? Infinity : descriptor.size;
  for await (const _ of verifyingStream(readChunks(path, count, offset), descriptor)) {
    signal.throwIfAborted();
  }
}
