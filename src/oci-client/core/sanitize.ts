import { redact } from "./redact.js";

const defaultMaxLength = 200;

/**
 * Prepares untrusted text for a message. Replaces control, format, and line-breaking characters, which
 * could rewrite a terminal or forge a log line, and truncates the text to `maxLength` characters (200 by
 * default). Secrets are redacted first, because truncation could leave a part of one.
 */
export function sanitize(text: string, maxLength = defaultMaxLength): string {
  const shown = redact(text);
  const cut = shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/** Formats a URL without the parts that may be secret: user, password, query (signatures), fragment. */
export function sanitizeUrl(url: URL): string {
  return sanitize(`${url.protocol}//${url.host}${url.pathname}`);
}
