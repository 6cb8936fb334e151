import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type FoundRelease,
  findReleases,
  netbootJsonName,
  publishJournalName,
} from "../../artifacts/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
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
 * Reads the releases of a directory: what `extract` published there or in its subdirectories, or what
 * another tool made, recognized by file names.
 * @throws NetbootError RELEASE_INVALID if there is no release, if files are missing or have the wrong
 *   size, or if it is unclear which files belong together
 */
export async function readReleases(
  directory: string,
  beforeRead: BeforeRead = async () => {},
): Promise<Release[]> {
  await beforeRead(directory);
  const names = await readdir(directory).catch((cause: unknown) => {
    const isMissing = systemCode(cause) === "ENOENT";
    throw new NetbootError(
      "RELEASE_INVALID",
      isMissing
        ? `There is no directory ${directory}.`
        : `The directory ${directory} cannot be read (${systemCode(cause)}).`,
      `Publish one first: kairos-netboot extract IMAGE -o ${directory}`,
      { cause },
    );
  });
  if (publishedNames.some((name) => names.includes(name))) {
    return [await readDescribedRelease(directory, beforeRead)];
  }
  const found = await findReleases(directory);
  if (found.length > 0) {
    return Promise.all(found.map((files) => foundRelease(directory, files, beforeRead)));
  }
  const below = await publishedSubdirectories(directory, names, beforeRead);
  if (below.length > 0)
    return Promise.all(below.map((path) => readDescribedRelease(path, beforeRead)));
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} contains no ${netbootJsonName} and no squashfs.`,
    `Publish it first: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

/** `extract` published a directory with one of these, or is publishing it now. */
const publishedNames = [netbootJsonName, publishJournalName];

function foundRelease(
  directory: string,
  files: FoundRelease,
  beforeRead: BeforeRead,
): Promise<Release> {
  const at = (name: string) => join(directory, name);
  const { kernel, initrd, squashfs } = files;
  return readReleaseFiles(
    { kernel: at(kernel), initrd: at(initrd), squashfs: at(squashfs) },
    beforeRead,
  );
}

/** The directories that `extract` published for several images, sorted by name. */
async function publishedSubdirectories(
  directory: string,
  names: readonly string[],
  beforeRead: BeforeRead,
): Promise<string[]> {
  const below = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
  const isPublished = await Promise.all(
    below.map((path) => isPublishedDirectory(path, beforeRead)),
  );
  return below.filter((_, index) => isPublished[index]);
}

async function isPublishedDirectory(directory: string, beforeRead: BeforeRead): Promise<boolean> {
  for (const name of publishedNames) {
    const path = join(directory, name);
    await beforeRead(path);
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists) return true;
  }
  return false;
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
