import { type BlobBody, type Descriptor, OciClientError } from "../../oci-client/index.js";
import type { BlobSuppliers } from "./blob-suppliers.js";
import type { MirrorSelection } from "./mirror-selection.js";
import type { PullSource } from "./pull-sources.js";

/** A blob that one of the sources has begun to send. */
export interface OpenBlob {
  readonly source: PullSource;
  readonly blob: BlobBody;
}

export interface MirroredBlobOptions {
  readonly selection: MirrorSelection;
  readonly suppliers: BlobSuppliers;
  readonly signal: AbortSignal | undefined;
  /** Opens the blob at a byte, at the next usable source. */
  open(offset: number): Promise<OpenBlob>;
}

/**
 * The bytes of a blob from where `opened` begins. If a mirror breaks off, the next source continues at
 * the same byte. If the registry itself breaks off, its error is thrown.
 */
export async function* readMirroredBlob(
  { digest, size }: Descriptor,
  opened: OpenBlob,
  { selection, suppliers, signal, open }: MirroredBlobOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let { source, blob } = opened;
  let position = blob.offset;
  for (;;) {
    suppliers.add(digest, source);
    try {
      for await (const chunk of bytesFrom(blob, position)) {
        position += chunk.length;
        yield chunk;
      }
      if (position >= size) suppliers.markDelivered(digest);
      if (position >= size || source.isPrimary) return;
      selection.skip(source, `it ended after ${position} of ${size} bytes`);
    } catch (error) {
      signal?.throwIfAborted();
      if (source.isPrimary || !(error instanceof OciClientError)) throw error;
      selection.skip(source, error.message);
    }
    ({ source, blob } = await open(position));
  }
}

/** The body from a byte on, even if the server began at an earlier one. */
async function* bytesFrom({ body, offset }: BlobBody, position: number) {
  let skip = position - offset;
  for await (const chunk of body) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}
