/**
 * Milliseconds that a `Retry-After` asks to wait: seconds, or a date in one of HTTP's three forms
 * (RFC 9110, sections 10.2.3 and 5.6.7). Undefined where it says neither.
 * @param date the answer's own `Date`: the server's clock need not be this machine's
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
  // asctime's form names no zone, and means UTC.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}
