import type { ReleaseSummary } from "../kairos/index.js";
import type { ErrorCode } from "../support/index.js";

/** Why `extract` would not take an image. */
export interface InspectionProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** What is known of an image without making anything of it. Sizes are bytes. */
export interface Inspection {
  /** In full. */
  readonly reference: string;
  /** Of the image manifest. */
  readonly manifestDigest: string;
  /** Of the index that the reference names; null where it names an image. */
  readonly indexDigest: string | null;
  /** The one that was looked at. */
  readonly platform: string;
  /** All that the reference offers. */
  readonly platforms: readonly string[];
  /** When the image was made, as it says itself. */
  readonly created: string | null;
  /** Bottom first; sizes are as they are fetched. */
  readonly layers: readonly {
    readonly digest: string;
    readonly size: number;
    /** True where it was needed for what is told here. */
    readonly isRead: boolean;
  }[];
  /** Of all layers. */
  readonly size: number;
  /** Common part of the names of the files that extract makes; null where the image says too little. */
  readonly name: string | null;
  readonly kairos: ReleaseSummary;
  readonly kernel: {
    readonly path: string;
    readonly version: string | null;
    readonly size: number;
  } | null;
  readonly initrd: { readonly path: string; readonly size: number } | null;
  /** Null where there is nothing to boot. */
  readonly estimate: {
    /** With what extract compresses with by default. */
    readonly squashfs: number;
    /** Kernel, initrd and squashfs. */
    readonly output: number;
    /** Memory that a machine needs at least to boot it. */
    readonly memory: number;
  } | null;
  readonly fetched: {
    /** Bytes of layers that came over the network. */
    readonly bytes: number;
    /** Bytes of the layers that were read, kept ones included. */
    readonly read: number;
  };
  /** Why extract would not take it as it is; empty where it would. */
  readonly problems: readonly InspectionProblem[];
}
