import type { ServedFile } from "../files/served-file.js";
import { type Release, releaseIdLength } from "./release.js";

const filePath = /^\/releases\/([^/]+)\/([^/]+)$/;
const releaseIdPattern = new RegExp(`^[0-9a-f]{${releaseIdLength}}$`);

/**
 * The path below which a machine fetches a release's files. It contains the release's id: if other
 * files replace these under the same names, a machine that got the old script finds nothing instead
 * of files that do not belong together.
 */
export function releasePath(release: Release): string {
  return `/releases/${release.id}`;
}

/**
 * Finds a file by its path. Instead of the id, the path may contain the position of the release,
 * from 1, for whatever is served there now.
 */
export function findReleaseFile(
  path: string,
  releases: readonly Release[],
): ServedFile | undefined {
  const [, idOrPosition, name] = filePath.exec(path) ?? [];
  return releases
    .filter(({ id }, index) => idOrPosition === id || idOrPosition === String(index + 1))
    .flatMap(({ kernel, initrd, squashfs }) => [kernel, initrd, squashfs])
    .find((file) => file.name === name);
}

/** True for a path without a file that may have led to a file of an earlier release. */
export function isFormerReleasePath(path: string): boolean {
  return releaseIdPattern.test(filePath.exec(path)?.[1] ?? "");
}
