import { redact } from "./redact.js";

const defaultMaxLength = 200;

/**
 * Makes text from outside fit for a message: control, format and line-breaking characters, which
 * could rewrite a terminal or forge a log line, are replaced, and the rest is cut at 200 characters.
 * Secrets go before the cut, which would leave a part of one.
 */
export function sanitize(text: string, maxLength = defaultMaxLength): string {
  const shown = redact(text);
  const cut = shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/** An address without what may be secret in it: user, password, query (signatures) and fragment. */
export function sanitizeUrl(url: URL): string {
  return sanitize(`${url.protocol}//${url.host}${url.pathname}`);
}
