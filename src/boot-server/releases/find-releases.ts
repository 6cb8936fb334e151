import { dirname, join } from "node:path";
import { type DiscoveredRelease, discoverReleases } from "../../artifacts/index.js";
import { NetbootError } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import { readDescribedRelease } from "./read-described-release.js";
import { type ReleaseFilePaths, readReleaseFiles } from "./read-release-files.js";
import type { Release } from "./release.js";

/** What to serve: directories with releases, and three single files. */
export interface ReleasePlaces {
  readonly directories: readonly string[];
  readonly files: ReleaseFilePaths | undefined;
}

/** Reads the releases of one place. Throws NetbootError RELEASE_INVALID. */
export type ReleaseReader = (beforeRead?: BeforeRead) => Promise<Release[]>;

/** Returns a reader for each place. */
export function releaseReaders({ directories, files }: ReleasePlaces): ReleaseReader[] {
  const readers = directories.map(
    (directory): ReleaseReader =>
      (beforeRead) =>
        readReleases(directory, beforeRead),
  );
  if (files !== undefined)
    readers.push(async (beforeRead) => [await readReleaseFiles(files, beforeRead)]);
  return readers;
}

/**
 * Reads the releases of each place.
 * @throws NetbootError RELEASE_INVALID
 */
export async function readAllReleases(
  places: ReleasePlaces,
  beforeRead?: BeforeRead,
): Promise<Release[][]> {
  const groups: Release[][] = [];
  for (const read of releaseReaders(places)) groups.push(await read(beforeRead));
  return groups;
}

/**
 * Reads the releases of a directory; see `discoverReleases`.
 * @throws NetbootError RELEASE_INVALID if there is no release, if files are missing or have the wrong
 *   size, or if it is unclear which files belong together
 */
async function readReleases(directory: string, beforeRead?: BeforeRead): Promise<Release[]> {
  const discovered = await discoverReleases(directory, { beforeRead });
  return Promise.all(discovered.map((release) => readRelease(release, beforeRead)));
}

function readRelease(
  { directory, files, netbootJson }: DiscoveredRelease,
  beforeRead: BeforeRead = async () => {},
): Promise<Release> {
  if (netbootJson !== undefined) return readDescribedRelease(directory, netbootJson, beforeRead);
  const pathOf = (name: string) => join(directory, name);
  const kernel = pathOf(files.kernel);
  const initrd = pathOf(files.initrd);
  return readReleaseFiles({ kernel, initrd, squashfs: pathOf(files.squashfs) }, beforeRead);
}

/**
 * Machines without a rule get the first release for their architecture, in the order of the
 * directories on the command line. Releases within one directory have no such order.
 * @param groups the releases of each directory
 * @throws NetbootError RELEASE_INVALID if a directory has several releases for one architecture
 */
export function requireUnambiguousDefault(groups: readonly (readonly Release[])[]): void {
  const seen = new Set<string>();
  for (const group of groups) {
    for (const { architecture } of group) {
      const same = group.filter((other) => other.architecture === architecture);
      if (same.length > 1 && !seen.has(architecture)) throw severalReleases(architecture, same);
    }
    for (const { architecture } of group) seen.add(architecture);
  }
}

function severalReleases(architecture: string, releases: readonly Release[]): NetbootError {
  const [directory = ""] = releases.map(({ squashfs }) => dirname(squashfs.path));
  const [name = ""] = releases.map((release) => release.name);
  const names = releases.map((release) => release.name).join(", ");
  return new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} contains several releases for ${architecture}: ${names}.`,
    `Choose the default one in a machines file (--machines): defaults: { release: ${name} }`,
  );
}
