import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError, systemCode } from "../support/index.js";
import { artifactNames } from "./artifact-files.js";
import { type NetbootJson, netbootJsonName, readNetbootJson } from "./netboot-json.js";
import { publishJournalName } from "./publish-journal.js";

/** Names of the files in one directory that belong to one release. */
export interface ReleaseFiles {
  /** Common part of the file names, or the name of the squashfs. */
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
  readonly script: string | undefined;
}

export interface DiscoveredRelease {
  readonly directory: string;
  readonly files: ReleaseFiles;
  /** Undefined for files that something other than `extract` made. */
  readonly netbootJson: NetbootJson | undefined;
}

interface DiscoverOptions {
  /** Called with each path before it is read; discovery waits for the promise. */
  readonly beforeRead?: ((path: string) => Promise<void>) | undefined;
}

/**
 * Finds the releases in a directory: the one that `extract` published there, or those that file
 * names tell (see `findUndescribedReleases`), or those that `extract` published in its
 * subdirectories, in the order of their names.
 * @throws NetbootError RELEASE_INVALID if there are none, if the directory or a netboot.json cannot
 *   be read, if files are missing, or if file names do not tell which files belong together
 */
export async function discoverReleases(
  directory: string,
  { beforeRead = async () => {} }: DiscoverOptions = {},
): Promise<DiscoveredRelease[]> {
  await beforeRead(directory);
  const names = await listDirectory(directory);
  if (publishedNames.some((name) => names.includes(name))) {
    return [await publishedRelease(directory, beforeRead)];
  }
  const undescribed = (await findUndescribedReleases(directory)).filter(hasSquashfs);
  for (const release of undescribed) requireComplete(directory, release);
  if (undescribed.length > 0) {
    return undescribed.map(({ files }) => ({ directory, files, netbootJson: undefined }));
  }
  const published = await publishedSubdirectories(directory, names, beforeRead);
  if (published.length > 0) {
    return Promise.all(published.map((path) => publishedRelease(path, beforeRead)));
  }
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} contains no ${netbootJsonName} and no squashfs.`,
    `Make it first: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

/** A directory with one of these belongs to `extract`, also while that publishes into it. */
const publishedNames = [netbootJsonName, publishJournalName];

async function publishedRelease(
  directory: string,
  beforeRead: (path: string) => Promise<void>,
): Promise<DiscoveredRelease> {
  await beforeRead(join(directory, netbootJsonName));
  const netbootJson = await readNetbootJson(directory);
  if (netbootJson !== undefined) {
    return { directory, files: describedFiles(netbootJson), netbootJson };
  }
  throw new NetbootError(
    "RELEASE_INVALID",
    `The ${netbootJsonName} in ${directory} cannot be read.`,
    "Make the directory again: kairos-netboot extract, with --force.",
  );
}

/** The names that netboot.json states. */
export function describedFiles({ name, files }: NetbootJson): ReleaseFiles {
  const { kernel, initrd, squashfs, script } = files;
  return {
    name,
    kernel: kernel.name,
    initrd: initrd.name,
    squashfs: squashfs.name,
    script: script?.name,
  };
}

async function publishedSubdirectories(
  directory: string,
  names: readonly string[],
  beforeRead: (path: string) => Promise<void>,
): Promise<string[]> {
  const paths = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
  const arePublished = await Promise.all(paths.map((path) => isPublished(path, beforeRead)));
  return paths.filter((_, index) => arePublished[index]);
}

async function isPublished(
  directory: string,
  beforeRead: (path: string) => Promise<void>,
): Promise<boolean> {
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

/** A release that file names tell. */
export interface UndescribedRelease {
  readonly files: ReleaseFiles;
  /** Those names of kernel, initrd, and squashfs that are not in the directory. */
  readonly missing: readonly string[];
}

/**
 * Finds releases by file names alone: those of Kairos's old releases and of AuroraBoot
 * (`NAME-kernel`, `NAME-initrd`, `NAME.squashfs`, several side by side), and one squashfs with a
 * single kernel and a single initrd beside it, as pixiecore's users have them.
 * @returns sorted by name; two of the three names are enough for a release whose third is missing
 * @throws NetbootError RELEASE_INVALID if the directory cannot be read, or if file names do not tell
 *   which files belong together
 */
export async function findUndescribedReleases(directory: string): Promise<UndescribedRelease[]> {
  const all = await listDirectory(directory);
  const names = await onlyFiles(directory, all);
  const scriptOf = (release: string) => {
    const { script } = artifactNames(release);
    return all.includes(script) ? script : undefined;
  };
  const releases = groupByName(names, scriptOf);
  const images = names.filter((name) => name.endsWith(suffixes.squashfs));
  const [squashfs] = images;
  if (squashfs !== undefined && images.length === 1 && !releases.some(isComplete)) {
    const { kernels, initrds } = findUndescribedFiles(names);
    const [kernel, initrd] = [kernels[0], initrds[0]];
    if (kernel !== undefined && initrd !== undefined && kernels.length + initrds.length === 2) {
      const name = squashfs.slice(0, -suffixes.squashfs.length);
      return [{ files: { name, kernel, initrd, squashfs, script: scriptOf(name) }, missing: [] }];
    }
    if (!releases.some(hasSquashfs)) throw ambiguousFiles(directory, kernels, initrds);
  }
  const orphan = images.find((name) => !releases.some(({ files }) => files.squashfs === name));
  if (orphan === undefined) return releases;
  const { kernel, initrd } = artifactNames(orphan.slice(0, -suffixes.squashfs.length));
  throw ambiguous(
    `The directory ${directory} contains several squashfs files, but neither ${kernel} nor ${initrd} for ${orphan}.`,
  );
}

const suffixes = artifactNames("");
const neededSuffixes = [suffixes.kernel, suffixes.initrd, suffixes.squashfs];

/** Releases of which at least two of kernel, initrd, and squashfs are there under their usual names. */
function groupByName(
  names: readonly string[],
  scriptOf: (release: string) => string | undefined,
): UndescribedRelease[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const suffix = neededSuffixes.find((it) => name.endsWith(it) && name.length > it.length);
    if (suffix === undefined) continue;
    const release = name.slice(0, -suffix.length);
    counts.set(release, (counts.get(release) ?? 0) + 1);
  }
  const releases = [...counts].filter(([, count]) => count > 1).map(([name]) => name);
  return releases.sort().map((name) => {
    const { kernel, initrd, squashfs } = artifactNames(name);
    const missing = [kernel, initrd, squashfs].filter((it) => !names.includes(it));
    return { files: { name, kernel, initrd, squashfs, script: scriptOf(name) }, missing };
  });
}

/** Usual names of a kernel and of an initrd that are the only ones in a directory. */
const kernelName =
  /^(kernel|vmlinu[xz]|bzImage|zImage|uImage|Image)([._-].*)?$|[._-](kernel|vmlinuz)$/;
const initrdName = /^(initrd|initramfs)([._-].*)?$|[._-](initrd|initramfs)(\.img)?$/;

/** Files with a name of a kernel or of an initrd, whatever else it says. */
function findUndescribedFiles(names: readonly string[]) {
  const others = names.filter((name) => !name.endsWith(suffixes.squashfs));
  return {
    kernels: others.filter((name) => kernelName.test(name)),
    initrds: others.filter((name) => initrdName.test(name)),
  };
}

function isComplete({ missing }: UndescribedRelease): boolean {
  return missing.length === 0;
}

function hasSquashfs({ files, missing }: UndescribedRelease): boolean {
  return !missing.includes(files.squashfs);
}

function requireComplete(directory: string, { files, missing }: UndescribedRelease): void {
  const [name] = missing;
  if (name === undefined) return;
  throw ambiguous(`The directory ${directory} contains ${files.squashfs}, but no ${name}.`);
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    const code = systemCode(cause);
    throw new NetbootError(
      "RELEASE_INVALID",
      code === "ENOENT"
        ? `There is no directory ${directory}.`
        : `The directory ${directory} cannot be read (${code === "ENOTDIR" ? "it is a file" : code}).`,
      `Make one first: kairos-netboot extract IMAGE -o ${directory}`,
      { cause },
    );
  }
}

/** Leaves out hidden files and everything but files and links to files. */
async function onlyFiles(directory: string, names: readonly string[]): Promise<string[]> {
  const areFiles = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        (found) => found.isFile(),
        () => false,
      ),
    ),
  );
  return names.filter((name, index) => areFiles[index] && !name.startsWith("."));
}

function ambiguousFiles(
  directory: string,
  kernels: readonly string[],
  initrds: readonly string[],
): NetbootError {
  const [what, found] = kernels.length === 1 ? ["an initrd", initrds] : ["a kernel", kernels];
  return ambiguous(
    found.length === 0
      ? `The directory ${directory} contains a squashfs, but no file with the name of ${what}.`
      : `The directory ${directory} contains several files with the name of ${what}: ${found.join(", ")}.`,
  );
}

function ambiguous(message: string): NetbootError {
  return new NetbootError(
    "RELEASE_INVALID",
    message,
    "Name the files NAME-kernel, NAME-initrd, and NAME.squashfs, or name the three with --kernel, --initrd, and --squashfs.",
  );
}
