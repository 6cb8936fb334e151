/**
 * Parses a `Retry-After` header: seconds, or a date in one of HTTP's three formats (RFC 9110, sections
 * 10.2.3 and 5.6.7).
 * @param date the response's `Date` header, because the server's clock may differ from this machine's
 * @returns milliseconds to wait, or undefined if the header is missing or invalid
 */
export function parseRetryAfter(
  value: string | undefined,
  date?: string,
  now = Date.now(),
): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = parseHttpDate(text);
  if (at === undefined) return undefined;
  return Math.max(0, at - (parseHttpDate(date?.trim() ?? "") ?? now));
}

function parseHttpDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined;
  // The asctime format has no time zone and means UTC.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}
