/** A signature that is stored beside an image, in one of cosign's layouts. */
export interface AttachedSignature {
  /** The signed bytes. */
  readonly content: Uint8Array;
  /** One is enough; an envelope can hold several. None if the signature cannot be read. */
  readonly signatures: readonly Uint8Array[];
  /** The digests that the content names. Not trustworthy before a signature is verified. */
  readonly digests: readonly string[];
  /**
   * The same signature as a bundle (sigstore, protobuf-specs, sigstore_bundle.proto) in JSON, with its
   * certificate, log entries, and timestamps; undefined if it has no certificate.
   */
  readonly bundle: unknown;
}

/** Something that should be a signature and cannot be read. */
export const unreadableSignature: AttachedSignature = {
  content: new Uint8Array(),
  signatures: [],
  digests: [],
  bundle: undefined,
};
