import pLimit from "p-limit";
import {
  type Descriptor,
  type ImageReader,
  type ImageRoot,
  type Platform,
  type ResolvedImage,
  type ResolveOptions,
  resolveImage,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import type { Blob } from "../image-source/blob.js";
import { FileBlob, verifySlice } from "../image-source/file-blob.js";
import type { FileSlice } from "../image-source/file-slice.js";
import {
  type AttachedSignatures,
  type ImageSource,
  noSignatures,
  type SourceOptions,
} from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";

/** An image whose blobs are files of this machine: nothing is copied, and nothing is cached. */
export abstract class LocalSource implements ImageSource {
  abstract readonly reference: string;
  /** For messages: `OCI layout`, and where it is. */
  protected abstract readonly kind: string;
  protected abstract readonly where: string;
  protected readonly options: SourceOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #blobs = new Map<string, FileBlob>();

  constructor(options: SourceOptions) {
    this.options = options;
    this.#limit = pLimit(options.concurrency);
  }

  /** Where to begin, once everything is there to be read. */
  protected abstract root(): Promise<ImageRoot>;
  protected abstract reader(): ImageReader;
  /** Where a blob's bytes are; known once `root` is. */
  protected abstract find(digest: string): FileSlice | undefined;
  /** False where the bytes have another digest, and only their diff ID can tell. */
  protected readonly hasDigests: boolean = true;

  async resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    const root = await this.root();
    const { signal } = this.options;
    const options = { signal, ...(approve && { approve }) };
    return translateErrors(() => resolveImage(this.reader(), root, platform, options));
  }

  get signatures(): AttachedSignatures {
    return noSignatures;
  }

  /** Nothing is copied, so nothing needs room. */
  async reserve(): Promise<void> {}

  /** @throws NetbootError BLOB_NOT_FOUND, BLOB_MISMATCH */
  fetch(descriptor: Descriptor): Blob {
    // Images happen to have one layer twice.
    const known = this.#blobs.get(descriptor.digest);
    if (known !== undefined) return known;
    const slice = this.present(descriptor);
    const checked = translateErrors(async () => {
      const { onProgress, signal } = this.options;
      onProgress?.(descriptor, descriptor.size, true);
      if (this.hasDigests) await this.#limit(() => verifySlice(slice, descriptor, signal));
    });
    const blob = new FileBlob(descriptor, slice, checked);
    this.#blobs.set(descriptor.digest, blob);
    return blob;
  }

  /** Nothing is kept: a damaged blob is an error of its own here. */
  async dropDamaged(): Promise<undefined> {}

  async close(): Promise<void> {}

  /** @throws NetbootError BLOB_NOT_FOUND, BLOB_MISMATCH */
  protected present({ digest, size }: Pick<Descriptor, "digest"> & { size?: number }): FileSlice {
    const slice = this.find(digest);
    if (slice === undefined) {
      throw new NetbootError(
        "BLOB_NOT_FOUND",
        `The ${this.kind} ${this.where} lacks the blob ${digest}.`,
        "Copy the image again; the copy was not complete.",
      );
    }
    if (size !== undefined && slice.size !== size) {
      throw this.damaged(digest, `has ${slice.size} bytes instead of ${size}`);
    }
    return slice;
  }

  protected damaged(digest: string, problem: string): NetbootError {
    return new NetbootError(
      "BLOB_MISMATCH",
      `The blob ${digest} in ${this.where} ${problem}.`,
      "Copy the image again.",
    );
  }
}
