import type {
  Descriptor,
  Platform,
  ResolvedImage,
  ResolveOptions,
} from "../../oci-client/index.js";
import type { NetbootError } from "../../support/index.js";
import type { Blob } from "./blob.js";

/** Signatures stored beside an image, in the layouts that cosign writes. */
export interface AttachedSignatures {
  /** Yields the manifests that may hold signatures of the document with this digest. */
  signatureManifests(digest: string): AsyncIterable<Uint8Array>;
  /** Reads a blob that such a manifest names, and checks its digest. */
  signatureBlob(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array>;
  /** Reads the index or manifest with this digest, and checks it. */
  signedDocument(digest: string): Promise<Uint8Array>;
}

/** The signatures of a source that cannot hold any. */
export const noSignatures: AttachedSignatures = {
  async *signatureManifests() {},
  signatureBlob: () => Promise.reject(new RangeError("there are no signatures")),
  signedDocument: () => Promise.reject(new RangeError("there are no signatures")),
};

/** The source of one image. */
export interface ImageSource {
  /** The complete reference, for messages and for the record. */
  readonly reference: string;
  /**
   * Reads the manifest and the configuration of the image for a platform, and checks their digests.
   * @param approve called before anything but manifests is read; throws to refuse the image
   */
  resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage>;
  readonly signatures: AttachedSignatures;
  /**
   * Checks that there is room for these blobs, as far as that can be known.
   * @throws NetbootError DISK_FULL
   */
  reserve(descriptors: readonly Descriptor[]): Promise<void>;
  /** Starts to fetch a blob. */
  fetch(descriptor: Descriptor): Blob;
  /**
   * Removes cached blobs whose bytes no longer match their digest. Wrong bytes from a registry count
   * as well if they were read before their digest was known, unless they came twice.
   * @returns an error that names the blobs: CACHE_DAMAGED, or MIRROR_DAMAGED if a mirror sent them;
   * undefined if no blob was damaged
   */
  dropDamaged(): Promise<NetbootError | undefined>;
  /** Closes connections. Bytes fetched so far stay in the cache. */
  close(): Promise<void>;
}

/** The options of every kind of source. */
export interface SourceOptions {
  /** Directory for copies that are needed only as long as the source is; the caller removes it. */
  readonly scratchDirectory: string;
  /** Maximum number of blobs that are fetched or checked concurrently. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /**
   * Called as the bytes of a blob arrive.
   * @param present bytes that are there
   * @param isCached true if none of them had to be fetched
   */
  onProgress?(descriptor: Descriptor, present: number, isCached: boolean): void;
  /** Receives the reason if something takes longer than usual. */
  onNotice?(message: string): void;
}
