import { unixSeconds } from "../../support/index.js";

/** FAT knows no time before; seconds since 1970. */
export const earliestTime = Date.UTC(1980, 0, 1) / 1000;
const latestTime = Date.UTC(2100, 0, 1) / 1000;

/**
 * The time that everything in an ISO has: the image's.
 * @param created as the image says, RFC 3339
 */
export function timeOf(created: string | null): number {
  return Math.min(Math.max(unixSeconds(created) ?? 0, earliestTime), latestTime);
}
