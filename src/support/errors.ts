import { sanitize } from "./sanitize-text.js";

/**
 * Every code that an error of this program can carry, with the exit status it leads to:
 * 1 failed, 2 wrong usage, 3 image cannot be had, 4 image is not fit,
 * 5 a needed program is missing or too old, 130 interrupted.
 * Codes are stable: scripts may depend on them.
 */
const exitStatuses = {
  USAGE_INVALID: 2,
  REFERENCE_INVALID: 2,
  PLATFORM_INVALID: 2,
  LISTEN_INVALID: 2,
  CLOUD_CONFIG_INVALID: 2,
  MACHINES_INVALID: 2,
  KEY_INVALID: 2,

  REGISTRY_UNREACHABLE: 3,
  REGISTRY_DENIED: 3,
  REGISTRY_ERROR: 3,
  CREDENTIALS_INVALID: 3,
  REGISTRY_CONFIG_INVALID: 3,
  REGISTRY_BLOCKED: 3,
  MIRROR_DAMAGED: 3,
  IMAGE_NOT_FOUND: 3,
  PLATFORM_NOT_FOUND: 3,
  BLOB_NOT_FOUND: 3,
  BLOB_MISMATCH: 3,
  MANIFEST_INVALID: 3,
  MANIFEST_TOO_LARGE: 3,
  LAYOUT_INVALID: 3,
  DAEMON_UNREACHABLE: 3,
  DAEMON_ERROR: 3,

  MANIFEST_SCHEMA1: 4,
  NOT_AN_IMAGE: 4,
  LAYER_DAMAGED: 4,
  LAYER_MISMATCH: 4,
  IMAGE_NO_KERNEL: 4,
  IMAGE_NO_INITRD: 4,
  IMAGE_NO_RELEASE: 4,
  IMAGE_TRUSTED_BOOT: 4,
  IMAGE_IS_RAW_DISK: 4,
  SIGNATURE_MISSING: 4,
  SIGNATURE_INVALID: 4,
  KERNEL_UNFIT: 4,
  DEVICE_UNSUPPORTED: 4,

  MKSQUASHFS_MISSING: 5,
  MKSQUASHFS_TOO_OLD: 5,
  ZSTD_MISSING: 5,
  PROGRAM_MISSING: 5,
  STUB_INVALID: 5,

  IMAGES_FAILED: 1,
  RELEASE_INVALID: 1,
  SERVER_UNREACHABLE: 1,
  CHECK_FAILED: 1,
  PORT_TAKEN: 1,
  PORT_DENIED: 1,
  STATE_NOT_WRITABLE: 1,
  DHCP_SERVER_PRESENT: 1,
  LEASES_UNUSABLE: 1,
  DECOMPRESSOR_FAILED: 1,
  MKSQUASHFS_FAILED: 1,
  SQUASHFS_INVALID: 1,
  PROGRAM_FAILED: 1,
  SIGNING_FAILED: 1,
  OUTPUT_NOT_EMPTY: 1,
  OUTPUT_NOT_WRITABLE: 1,
  CACHE_NOT_WRITABLE: 1,
  CACHE_DAMAGED: 1,
  DISK_FULL: 1,
  INTERNAL: 1,

  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof exitStatuses;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(exitStatuses, code);
}

/**
 * The one error of this program: `message` is a sentence that says what is wrong, `hint` one that
 * says what to do, `code` is for scripts. Text that comes from an image or a network may hold
 * control characters; they are made visible here, once, for every message.
 */
export class NetbootError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(sanitize(message), options);
    this.name = "NetbootError";
    this.code = code;
    this.hint = sanitize(hint);
  }

  get exitStatus(): number {
    return exitStatuses[this.code];
  }
}

/** The error of wrong usage: an option, or what it was given. */
export function usageError(message: string, hint: string): NetbootError {
  return new NetbootError("USAGE_INVALID", message, hint);
}

/** The error of an operation that its AbortSignal ended. */
export function interrupted(): NetbootError {
  return new NetbootError(
    "INTERRUPTED",
    "Interrupted.",
    "Run the same command again; without --no-cache, what was downloaded is kept.",
  );
}

export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Turns "no space left" into an error that names the full place; other errors pass unchanged. */
export function diskFull(error: unknown, place: string): unknown {
  const code = systemCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new NetbootError(
    "DISK_FULL",
    `There is no space left in ${place}.`,
    "Free some space, or choose another place with --output or --cache-dir.",
    { cause: error },
  );
}
