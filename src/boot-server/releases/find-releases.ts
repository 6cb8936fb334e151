import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  descriptionName,
  type FoundRelease,
  findReleases,
  journalName,
} from "../../artifacts/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import {
  type BeforeRead,
  type Release,
  type ReleaseFiles,
  readDescribedRelease,
  readReleaseFiles,
} from "./release.js";

/** Where releases are: directories, and the files of one that is in none. */
export interface ReleasePlaces {
  readonly directories: readonly string[];
  readonly files: ReleaseFiles | undefined;
}

/** Reads the releases of one place; throws RELEASE_INVALID. */
export type ReleaseReader = (beforeRead?: BeforeRead) => Promise<Release[]>;

/** One for each place. */
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
 * Reads the releases of a directory: what `extract` made there, or in directories below it, or what
 * somebody else did, by the files' names.
 * @throws NetbootError RELEASE_INVALID where there is none, where files are missing or have other
 *   sizes, or where it cannot be told what belongs together
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
      `Make one first: kairos-netboot extract IMAGE -o ${directory}`,
      { cause },
    );
  });
  if (ownNames.some((name) => names.includes(name))) {
    return [await readDescribedRelease(directory, beforeRead)];
  }
  const found = await findReleases(directory);
  if (found.length > 0) {
    return Promise.all(found.map((files) => foundRelease(directory, files, beforeRead)));
  }
  const below = await directoriesBelow(directory, names, beforeRead);
  if (below.length > 0)
    return Promise.all(below.map((path) => readDescribedRelease(path, beforeRead)));
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} holds no ${descriptionName} and no squashfs.`,
    `Make it first: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

/** A directory that holds one of these is of `extract`, also while that is at work there. */
const ownNames = [descriptionName, journalName];

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

/** Those that `extract` made of several images, in the order of their names. */
async function directoriesBelow(
  directory: string,
  names: readonly string[],
  beforeRead: BeforeRead,
): Promise<string[]> {
  const below = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
  const isOwn = await Promise.all(below.map((path) => isOwnDirectory(path, beforeRead)));
  return below.filter((_, index) => isOwn[index]);
}

async function isOwnDirectory(directory: string, beforeRead: BeforeRead): Promise<boolean> {
  for (const name of ownNames) {
    const path = join(directory, name);
    await beforeRead(path);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

/**
 * Machines that no rule gives a release get the first one for them, in the order of the directories
 * that were named; within a directory there is no such order.
 * @param groups the releases of each directory
 * @throws NetbootError RELEASE_INVALID where a directory has several for one architecture
 */
export function requireUnambiguousDefault(groups: readonly (readonly Release[])[]): void {
  const seen = new Set<string>();
  for (const group of groups) {
    for (const { architecture } of group) {
      const same = group.filter((other) => other.architecture === architecture);
      if (same.length > 1 && !seen.has(architecture)) throw severalReleases(same);
    }
    for (const { architecture } of group) seen.add(architecture);
  }
}

function severalReleases(releases: readonly Release[]): NetbootError {
  const { architecture, squashfs, name } = releases[0]!;
  const names = releases.map((release) => release.name).join(", ");
  return new NetbootError(
    "RELEASE_INVALID",
    `The directory ${dirname(squashfs.path)} holds several releases for ${architecture}: ${names}.`,
    `Say which one machines get in a machines file (--machines): defaults: { release: ${name} }`,
  );
}
