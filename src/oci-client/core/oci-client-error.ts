import { type FailureKind, failureRule } from "./failure.js";
import { redact } from "./redact.js";

/** The codes of all errors. They are stable: programs may depend on them. */
export const ociClientErrorCodes = [
  "REFERENCE_INVALID",
  "PLATFORM_INVALID",
  "PLATFORM_NOT_FOUND",
  "REGISTRY_UNREACHABLE",
  "REGISTRY_DENIED",
  "REGISTRY_ERROR",
  "IMAGE_NOT_FOUND",
  "BLOB_NOT_FOUND",
  "BLOB_MISMATCH",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "MANIFEST_SCHEMA1",
  "NOT_AN_IMAGE",
  "CREDENTIALS_INVALID",
  "REGISTRY_CONFIG_INVALID",
] as const;

export type OciClientErrorCode = (typeof ociClientErrorCodes)[number];

export interface OciClientErrorDetails {
  /** One sentence that says what to do. */
  readonly hint: string;
  /** The HTTP status that caused the error, if one did. */
  readonly status?: number;
  /** What kind of failure this is, which decides about retries; `permanent` by default. */
  readonly failure?: FailureKind;
  /** The wait in milliseconds that the server asked for. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * The only error class of this client. `message` says in one sentence what is wrong, `hint` in one
 * what to do. Neither contains a registered secret.
 */
export class OciClientError extends Error {
  override readonly name = "OciClientError";
  readonly code: OciClientErrorCode;
  readonly hint: string;
  readonly status?: number;
  readonly failure: FailureKind;
  readonly retryAfterMs?: number;

  constructor(code: OciClientErrorCode, message: string, details: OciClientErrorDetails) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = redact(details.hint);
    if (details.status !== undefined) this.status = details.status;
    this.failure = details.failure ?? "permanent";
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }

  /** Whether the same call can succeed later. */
  get retryable(): boolean {
    return failureRule(this.failure).retry === "after a pause";
  }
}
