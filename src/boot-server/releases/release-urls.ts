import { idLength, type Release, type ServedFile } from "./release.js";

const pattern = /^\/releases\/([^/]+)\/([^/]+)$/;
const id = new RegExp(`^[0-9a-f]{${idLength}}$`);

/**
 * Where a machine that was given a script of a release fetches its files: where other ones take
 * their place, also by the same names, nothing is there any more.
 */
export function releasePath(release: Release): string {
  return `/releases/${release.id}`;
}

/** A file by its address, which may also hold the number of its release, from 1: what is there now. */
export function findReleaseFile(
  path: string,
  releases: readonly Release[],
): ServedFile | undefined {
  const [, place, name] = pattern.exec(path) ?? [];
  return releases
    .filter((release, index) => place === release.id || place === String(index + 1))
    .flatMap(({ kernel, initrd, squashfs }) => [kernel, initrd, squashfs])
    .find((file) => file.name === name);
}

/** Whether a path where nothing is may have been the address of a release's file earlier. */
export function isFormerReleasePath(path: string): boolean {
  return id.test(pattern.exec(path)?.[1] ?? "");
}
