import { type ErrorCode, errorCodes } from "./error-codes.js";
import { sanitize } from "./sanitize-text.js";

/**
 * The error of this program: `message` is one sentence that says what is wrong, `hint` one that says
 * what to do, and `code` is for scripts. Text from an image or a network may hold control characters;
 * the constructor makes them visible, so no caller has to.
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
    return errorCodes[this.code].exitStatus;
  }
}

/** An error for an invalid option or argument: USAGE_INVALID. */
export function usageError(message: string, hint: string): NetbootError {
  return new NetbootError("USAGE_INVALID", message, hint);
}

/** The error of an operation that its AbortSignal ended: INTERRUPTED. */
export function interrupted(): NetbootError {
  return new NetbootError(
    "INTERRUPTED",
    "Interrupted.",
    "Run the same command again; without --no-cache, it continues from what was downloaded.",
  );
}

/** The code of a system error, such as `ENOENT`; undefined if the error has none. */
export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/**
 * Turns the system's error for a full disk or quota into DISK_FULL with the name of the place.
 * @returns any other error unchanged
 */
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
