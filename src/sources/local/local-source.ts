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
import { FileBlob } from "../image-source/file-blob.js";
import type { FileSlice, ImageFiles } from "../image-source/file-slice.js";
import {
  type AttachedSignatures,
  type ImageSource,
  noSignatures,
  type SourceOptions,
} from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";
import { verifySlice } from "../image-source/verify-slice.js";

/** Facts about an image that the sources of archives and layouts know. */
export interface ImageLocation {
  /** As the user wrote it, with its transport. */
  readonly reference: string;
  /** Its path, or its name in messages. */
  readonly where: string;
  /** The reference without a choice of image; undefined if the reference cannot contain one. */
  readonly untagged: string | undefined;
  /** Opens the archive or layout. */
  readonly files: () => Promise<ImageFiles>;
}

/** An image whose blobs are files on this machine, which need neither copies nor the cache. */
export abstract class LocalSource implements ImageSource {
  abstract readonly reference: string;
  /** What it is and where it is, for messages: `OCI layout`, `build/image`. */
  protected abstract readonly kind: string;
  protected abstract readonly where: string;
  protected readonly options: SourceOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #blobs = new Map<string, FileBlob>();

  constructor(options: SourceOptions) {
    this.options = options;
    this.#limit = pLimit(options.concurrency);
  }

  /**
   * Opens the source, and returns the manifest or index to start with.
   * @param platform decides if there are several that the user may mean
   */
  protected abstract root(platform: Platform): Promise<ImageRoot>;
  protected abstract reader(): ImageReader;
  /** The bytes of a blob. Call it only after `root`. */
  protected abstract find(digest: string): FileSlice | undefined;
  /** False if only the diff ID of a layer can be checked, because its digest is not known. */
  protected readonly hasDigests: boolean = true;

  async resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    const { signal } = this.options;
    const options = { signal, ...(approve && { approve }) };
    return translateErrors(async () =>
      resolveImage(this.reader(), await this.root(platform), platform, options),
    );
  }

  get signatures(): AttachedSignatures {
    return noSignatures;
  }

  /** Does nothing: no copy is made, so none needs space. */
  async reserve(): Promise<void> {}

  /** @throws NetbootError BLOB_NOT_FOUND, BLOB_MISMATCH */
  fetch(descriptor: Descriptor): Blob {
    // Some images contain one layer twice.
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

  /** Does nothing: there is no cached copy to remove, so the error of a damaged blob is final. */
  async dropDamaged(): Promise<undefined> {}

  async close(): Promise<void> {}

  /** @throws NetbootError BLOB_NOT_FOUND, BLOB_MISMATCH */
  protected present({ digest, size }: Pick<Descriptor, "digest"> & { size?: number }): FileSlice {
    const slice = this.find(digest);
    if (slice === undefined) {
      throw new NetbootError(
        "BLOB_NOT_FOUND",
        `The ${this.kind} ${this.where} lacks the blob ${digest}.`,
        "Copy the image again; this copy is incomplete.",
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
