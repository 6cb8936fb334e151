import { OciClientError } from "../core/oci-client-error.js";
import { sanitizeUrl } from "../core/sanitize.js";
import { isAllowed } from "./origin.js";

/**
 * Where a `Location` leads (RFC 9110, section 10.2.2). What was asked over HTTPS is not to be had
 * over less, and plain HTTP leads to this machine only, or to where `allows` lets it.
 * @throws OciClientError REGISTRY_ERROR
 */
export function redirectTarget(location: string, from: URL, allows = isAllowed): URL {
  if (!URL.canParse(location, from.href)) throw badRedirect(from, "redirects to no valid address");
  const target = new URL(location, from);
  const isDowngrade = from.protocol === "https:" && target.protocol !== "https:";
  if (isDowngrade || !allows(target)) {
    throw badRedirect(from, `redirects to an insecure address, ${sanitizeUrl(target)}`);
  }
  return target;
}

export function badRedirect(from: URL, problem: string): OciClientError {
  return new OciClientError("REGISTRY_ERROR", `${sanitizeUrl(from)} ${problem}.`, {
    hint: "The registry is set up wrongly: tell the people who run it.",
  });
}
