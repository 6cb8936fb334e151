import { redact } from "./redact.js";

/** Everything that can go wrong here, by a name that stays the same from version to version. */
export type OciClientErrorCode =
  | "REFERENCE_INVALID"
  | "PLATFORM_INVALID"
  | "PLATFORM_NOT_FOUND"
  | "REGISTRY_UNREACHABLE"
  | "REGISTRY_DENIED"
  | "REGISTRY_ERROR"
  | "IMAGE_NOT_FOUND"
  | "BLOB_NOT_FOUND"
  | "BLOB_MISMATCH"
  | "MANIFEST_INVALID"
  | "MANIFEST_TOO_LARGE"
  | "MANIFEST_SCHEMA1"
  | "NOT_AN_IMAGE"
  | "CREDENTIALS_INVALID"
  | "REGISTRY_CONFIG_INVALID";

export interface OciClientErrorDetails {
  /** One sentence saying what to do. */
  hint: string;
  /** The HTTP status that led here, where there was one. */
  status?: number;
  /** Whether the same call can succeed later; false unless said otherwise. */
  retryable?: boolean;
  /** Milliseconds to wait before that, where the server said so. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** The one error of this client: `message` says what is wrong in one sentence, `hint` what to do. */
export class OciClientError extends Error {
  override readonly name = "OciClientError";
  readonly code: OciClientErrorCode;
  readonly hint: string;
  readonly status?: number;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;

  constructor(code: OciClientErrorCode, message: string, details: OciClientErrorDetails) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = redact(details.hint);
    if (details.status !== undefined) this.status = details.status;
    this.retryable = details.retryable ?? false;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}
