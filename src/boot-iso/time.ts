/** FAT knows no time before; seconds since 1970. */
export const earliestTime = Date.UTC(1980, 0, 1) / 1000;
const latestTime = Date.UTC(2100, 0, 1) / 1000;

/**
 * The time that everything in an ISO has: the image's.
 * @param created as the image says, ISO 8601
 */
export function timeOf(created: string | null): number {
  const time = Math.floor(Date.parse(created ?? "") / 1000);
  if (Number.isNaN(time)) return earliestTime;
  return Math.min(Math.max(time, earliestTime), latestTime);
}
