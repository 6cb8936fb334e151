import { unixSeconds } from "../../support/index.js";

/** FAT cannot represent earlier times. In seconds since 1970. */
export const earliestTime = Date.UTC(1980, 0, 1) / 1000;
const latestTime = Date.UTC(2100, 0, 1) / 1000;

/**
 * The time of all files in an ISO: that of the image, if FAT and ISO 9660 can represent it.
 * @param created of the image, RFC 3339
 * @returns seconds since 1970
 */
export function isoTime(created: string | null): number {
  return Math.min(Math.max(unixSeconds(created) ?? 0, earliestTime), latestTime);
}
