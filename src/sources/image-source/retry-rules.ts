/** One kind of failure, and what happens then. */
export interface RetryRule {
  readonly failure: string;
  /** The file of src/sources that reacts. */
  readonly handledBy: string;
  readonly reaction: string;
  /**
   * How many times the reaction may happen. `policy` stands for the time limit of `--retry-timeout`
   * with the client's exponential backoff, which also respects Retry-After.
   */
  readonly limit: number | "policy" | "number of mirrors";
}

/**
 * Every failure to which this module reacts by trying again. `failureRules` of the client
 * (src/oci-client/core/failure.ts) are the part of the table for single requests: they decide which
 * errors are retryable. The rules nest: if one gives up, its error may be a failure for another one.
 */
export const retryRules = {
  brokenTransfer: {
    failure: "a layer's transfer breaks off, or a request for it fails with a retryable error",
    handledBy: "registry/resume-download.ts",
    reaction: "resume at the first missing byte; progress of 1 MiB restarts the time limit",
    limit: "policy",
  },
  shortTransfer: {
    failure: "a layer's transfer ends too early, without an error, and without a new byte",
    handledBy: "registry/resume-download.ts",
    reaction: "resume at the first missing byte, then fail with BLOB_MISMATCH",
    limit: 2,
  },
  allSourcesFailed: {
    failure: "every mirror and the registry failed to send a manifest or a small blob",
    handledBy: "registry/mirrored-client.ts",
    reaction: "ask all of them again",
    limit: "policy",
  },
  mirrorFailed: {
    failure: "a mirror fails, or breaks off in the middle of a layer",
    handledBy: "registry/mirror-selection.ts",
    reaction:
      "skip the mirror until all sources have failed, and go on at the same byte with the next",
    limit: "number of mirrors",
  },
  wrongBytesUnread: {
    failure: "all bytes of a layer came, they are wrong, and nothing has read them",
    handledBy: "registry/download.ts",
    reaction: "discard them and fetch the layer again",
    limit: 1,
  },
  claimLost: {
    failure: "another process took over the partial file, because this one gave no sign of life",
    handledBy: "registry/download.ts",
    reaction: "wait for the other process, or take the file over again",
    limit: 9,
  },
  cacheDamaged: {
    failure: "a cached blob is damaged, or wrong bytes were read before their digest was known",
    handledBy: "retry-damaged.ts",
    reaction: "remove the blob and repeat the whole job",
    limit: 1,
  },
  mirrorDamaged: {
    failure: "a mirror sent wrong bytes",
    handledBy: "retry-damaged.ts",
    reaction: "repeat the whole job without that mirror",
    limit: 5,
  },
} as const satisfies Readonly<Record<string, RetryRule>>;
