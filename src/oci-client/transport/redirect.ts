import { OciClientError } from "../core/oci-client-error.js";
import { sanitizeUrl } from "../core/sanitize.js";
import { isAllowed } from "./origin.js";

/**
 * Resolves a `Location` header (RFC 9110, section 10.2.2). A redirect never leads from HTTPS to plain
 * HTTP, and otherwise only to a URL that `allows` accepts.
 * @throws OciClientError REGISTRY_ERROR
 */
export function redirectTarget(location: string, from: URL, allows = isAllowed): URL {
  if (!URL.canParse(location, from.href)) throw badRedirect(from, "redirects to an invalid URL");
  const target = new URL(location, from);
  const isDowngrade = from.protocol === "https:" && target.protocol !== "https:";
  if (isDowngrade || !allows(target)) {
    throw badRedirect(from, `redirects to an insecure URL, ${sanitizeUrl(target)}`);
  }
  return target;
}

export function badRedirect(from: URL, problem: string): OciClientError {
  return new OciClientError("REGISTRY_ERROR", `${sanitizeUrl(from)} ${problem}.`, {
    hint: "The registry is misconfigured: tell its administrators.",
  });
}
