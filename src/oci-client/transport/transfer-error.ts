import { OciClientError } from "../core/oci-client-error.js";
import { isKnownFailure, networkError } from "./network-error.js";

/** The error of a transfer that began well: what breaks then, for no known reason, may go better. */
export function transferError(error: unknown, url: URL): OciClientError {
  const known = networkError(error, url);
  if (isKnownFailure(error)) return known;
  const { code, message, hint } = known;
  return new OciClientError(code, message, { hint, retryable: true, cause: error });
}
