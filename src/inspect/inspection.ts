import type { ReleaseSummary } from "../kairos/index.js";
import type { Signer } from "../signatures/index.js";
import type { ErrorCode } from "../support/index.js";

/** A reason why `extract` would reject an image. */
export interface InspectionProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** A description of an image, made without extracting it. Sizes are in bytes. */
export interface Inspection {
  /** The complete reference. */
  readonly reference: string;
  /** Digest of the image manifest. */
  readonly manifestDigest: string;
  /** Digest of the index that the reference names; null if it names an image. */
  readonly indexDigest: string | null;
  /** The platform that was inspected. */
  readonly platform: string;
  /** All platforms that the reference offers. */
  readonly platforms: readonly string[];
  /** When the image was made, according to its configuration. */
  readonly created: string | null;
  /** The signature that was verified; null if none was required. */
  readonly signature: {
    /** The signed digest: of the manifest or of the index. */
    readonly digest: string;
    /** Null for a signature with a key. */
    readonly signer: Signer | null;
  } | null;
  /** Bottom first. Sizes are those of the compressed blobs. */
  readonly layers: readonly {
    readonly digest: string;
    readonly size: number;
    /** Whether the inspection needed this layer. */
    readonly isRead: boolean;
  }[];
  /** Sum of the layers' sizes. */
  readonly size: number;
  /** Common part of the names of `extract`'s files; null if the image does not say enough. */
  readonly name: string | null;
  readonly kairos: ReleaseSummary;
  readonly kernel: {
    readonly path: string;
    readonly version: string | null;
    readonly size: number;
  } | null;
  readonly initrd: { readonly path: string; readonly size: number } | null;
  /** Null if there is nothing to boot. */
  readonly estimate: {
    /** With `extract`'s default compression. */
    readonly squashfs: number;
    /** Kernel, initrd and squashfs. */
    readonly output: number;
    /** Minimum memory of a machine that boots it. */
    readonly memory: number;
  } | null;
  readonly fetched: {
    /** Bytes of layers that were downloaded. */
    readonly bytes: number;
    /** Bytes of the layers that were read, including those from the cache. */
    readonly read: number;
  };
  /** Why `extract` would reject the image; empty if it would not. */
  readonly problems: readonly InspectionProblem[];
}
