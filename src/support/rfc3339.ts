const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * Seconds since 1970 of a time as OCI writes it (RFC 3339, section 5.6), at least 0; undefined for
 * other texts. A time without a zone would be read as local time, and bytes would depend on the place.
 */
export function secondsOf(time: string | null | undefined): number | undefined {
  const milliseconds = rfc3339.test(time ?? "") ? Date.parse(time!) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, Math.floor(milliseconds / 1000));
}
