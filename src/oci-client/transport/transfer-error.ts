import { OciClientError } from "../core/oci-client-error.js";
import { isKnownFailure, networkError } from "./network-error.js";

/** Describes the failure of a transfer that had begun. A retry may help even if its cause is unknown. */
export function transferError(error: unknown, url: URL): OciClientError {
  const known = networkError(error, url);
  if (isKnownFailure(error)) return known;
  const { code, message, hint } = known;
  return new OciClientError(code, message, { hint, failure: "unreachable", cause: error });
}
