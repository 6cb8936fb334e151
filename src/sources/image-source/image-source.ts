import type {
  Descriptor,
  Platform,
  ResolvedImage,
  ResolveOptions,
  RetryPolicy,
} from "../../oci-client/index.js";
import type { NetbootError } from "../../support/index.js";
import type { SessionTiming } from "../cache/cache-session.js";
import type { CheckedRegistryAccess } from "../registry/registry-access.js";
import type { Blob } from "./blob.js";

/** Signatures that are kept beside an image, as cosign puts them there. */
export interface AttachedSignatures {
  /** Manifests that may hold signatures of what has this digest; none where there are none. */
  signatureManifests(digest: string): AsyncIterable<Uint8Array>;
  /** A blob that such a manifest names; its digest is checked. */
  signatureBlob(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array>;
  /** The index or manifest with this digest, which is checked. */
  signedDocument(digest: string): Promise<Uint8Array>;
}

/** Of places that cannot hold any. */
export const noSignatures: AttachedSignatures = {
  async *signatureManifests() {},
  signatureBlob: () => Promise.reject(new RangeError("there are no signatures")),
  signedDocument: () => Promise.reject(new RangeError("there are no signatures")),
};

/** A place where an image comes from. */
export interface ImageSource {
  /** The reference in full, for people and for the record. */
  readonly reference: string;
  /**
   * Reads manifest and configuration of the image for a platform; digests are checked.
   * @param approve asked before anything but manifests is read; throws to refuse the image
   */
  resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage>;
  readonly signatures: AttachedSignatures;
  /** Makes sure that there is room for these blobs, as far as that can be told. */
  reserve(descriptors: readonly Descriptor[]): Promise<void>;
  /** Begins to fetch a blob. */
  fetch(descriptor: Descriptor): Blob;
  /**
   * Forgets kept blobs whose bytes are not those of their digest any more. Bytes that came wrong,
   * and were read before that was known, count as well, unless they came wrong twice.
   * @returns the error that says so, CACHE_DAMAGED, or MIRROR_DAMAGED where a mirror sent them;
   * undefined where there is none
   */
  dropDamaged(): Promise<NetbootError | undefined>;
  /** Ends connections; what was fetched so far is kept. */
  close(): Promise<void>;
}

export interface SourceOptions {
  /** Where blobs are kept. */
  readonly cacheDirectory: string;
  /** For copies that are needed only as long as the source is; the caller removes it. */
  readonly scratchDirectory: string;
  /** Blobs that are fetched at the same time. */
  readonly concurrency: number;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  /** Bytes of a blob that are there, of how many. */
  onProgress?(descriptor: Descriptor, present: number, isCached: boolean): void;
  onWarning?(message: string): void;
  /** Told what only somebody who wonders wants to know. */
  onDetail?(message: string): void;
  /** How registries are reached; as this machine says where it is left out. */
  readonly registry?: CheckedRegistryAccess;
  /** Why something takes longer. */
  onNotice?(message: string): void;
  /** How long what fails is tried again; not at all by default. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** For the tests, which cannot wait so long. */
  readonly timeouts?: { readonly headersMs?: number; readonly bodyMs?: number } | undefined;
  readonly cacheTiming?: Partial<SessionTiming> | undefined;
}
