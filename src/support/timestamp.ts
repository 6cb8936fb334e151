const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * Seconds since 1970, at least 0, of a time in the format that OCI uses (RFC 3339, section 5.6).
 * @returns undefined for any other text: JavaScript would read a time without a zone as local time,
 *   and the bytes that the program writes would depend on the machine
 */
export function unixSeconds(time: string | null | undefined): number | undefined {
  if (typeof time !== "string" || !rfc3339.test(time)) return undefined;
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, Math.floor(milliseconds / 1000));
}
