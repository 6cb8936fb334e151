import { conceal } from "./redact.js";

const LIMIT = 200;

/**
 * Makes text from outside fit for a message: control, format and line-breaking characters, which
 * could rewrite a terminal or forge a log line, are replaced, and the rest is cut at 200 characters.
 * Secrets go before the cut, which would leave a part of one.
 */
export function printable(text: string, limit = LIMIT): string {
  const shown = conceal(text);
  const cut = shown.length > limit ? `${shown.slice(0, limit)}…` : shown;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/** An address without what may be secret in it: user, password, query (signatures) and fragment. */
export function printableUrl(url: URL): string {
  return printable(`${url.protocol}//${url.host}${url.pathname}`);
}
