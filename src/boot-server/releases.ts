import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  descriptionName,
  type FoundRelease,
  fileNames,
  findReleases,
  journalName,
  readDescription,
} from "../artifacts/index.js";
import { commandLineByName, kernelArchitecture, readCloudConfig } from "../kairos/index.js";
import { NetbootError, systemCode } from "../support/index.js";
import { identityOf } from "./shared-blocks.js";

/** Hexadecimal digits; the kernel's command line has to hold them. */
export const idLength = 12;

/** What a machine fetches on its way. */
export type Role = "boot-program" | "script" | "kernel" | "initrd" | "squashfs" | "cloud-config";

/** A file that machines fetch. */
export interface ServedFile {
  readonly role: Role;
  /** As it stands in addresses. */
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Strong (RFC 9110, section 8.8.3), in its quotes. */
  readonly etag: string;
  /** See `identityOf`; undefined for what is served as it is when it is asked for. */
  readonly identity?: string | undefined;
}

/** Kernel, initrd and squashfs that belong together. */
export interface Release {
  readonly name: string;
  /** Another one where the files are others: it stands in their addresses. */
  readonly id: string;
  /** As OCI names it. */
  readonly architecture: string;
  readonly kernel: ServedFile;
  readonly initrd: ServedFile;
  readonly squashfs: ServedFile;
  /** With `${url}` for where the files are, and `${config}` for a cloud-config. */
  readonly commandLine: string;
  /** For machines that no rule gives another. */
  readonly cloudConfig?: { readonly text: string } | undefined;
}

/** Told of each file before it is read, which waits for it. */
export type OnFile = (path: string) => Promise<void>;

/** Where releases are: directories, and the files of one that is in none. */
export interface ReleasePlaces {
  readonly directories: readonly string[];
  readonly files: LooseFiles | undefined;
}

/**
 * Reads the releases of each place.
 * @throws NetbootError RELEASE_INVALID
 */
export async function readAllReleases(
  { directories, files }: ReleasePlaces,
  onFile?: OnFile,
): Promise<Release[][]> {
  const groups: Release[][] = [];
  for (const directory of directories) groups.push(await readReleases(directory, onFile));
  if (files !== undefined) groups.push([await looseRelease(files, onFile)]);
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
  onFile: OnFile = async () => {},
): Promise<Release[]> {
  await onFile(directory);
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
    return [await readOwnRelease(directory, onFile)];
  }
  const found = await findReleases(directory);
  if (found.length > 0) {
    return Promise.all(found.map((files) => foundRelease(directory, files, onFile)));
  }
  const below = await directoriesBelow(directory, names, onFile);
  if (below.length > 0) return Promise.all(below.map((path) => readOwnRelease(path, onFile)));
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} holds no ${descriptionName} and no squashfs.`,
    `Make it first: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

/** A directory that holds one of these is of `extract`, also while that is at work there. */
const ownNames = [descriptionName, journalName];

function foundRelease(directory: string, files: FoundRelease, onFile: OnFile): Promise<Release> {
  const at = (name: string) => join(directory, name);
  const { kernel, initrd, squashfs } = files;
  return looseRelease({ kernel: at(kernel), initrd: at(initrd), squashfs: at(squashfs) }, onFile);
}

/** Those that `extract` made of several images, in the order of their names. */
async function directoriesBelow(
  directory: string,
  names: readonly string[],
  onFile: OnFile,
): Promise<string[]> {
  const below = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
  const isOwn = await Promise.all(below.map((path) => isOwnDirectory(path, onFile)));
  return below.filter((_, index) => isOwn[index]);
}

async function isOwnDirectory(directory: string, onFile: OnFile): Promise<boolean> {
  for (const name of ownNames) {
    const path = join(directory, name);
    await onFile(path);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

async function readOwnRelease(directory: string, onFile: OnFile): Promise<Release> {
  await onFile(join(directory, descriptionName));
  const description = await readDescription(directory);
  if (description === undefined) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The ${descriptionName} in ${directory} cannot be read.`,
      "Make the directory again: kairos-netboot extract, with --force.",
    );
  }
  const { files, source } = description;
  if (!/^[\w.+-]+$/.test(description.name)) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The release in ${directory} is called "${description.name}", which no iPXE script can hold.`,
      "Make it again with a name of letters, digits and . + - _: extract --name",
    );
  }
  // A line of a script is one line.
  if (/[\p{Cc}\u2028\u2029]/u.test(description.commandLine)) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The ${descriptionName} in ${directory} has a command line that no iPXE script can hold.`,
      "Make it again: kairos-netboot extract, with --force.",
    );
  }
  const served = async (role: "kernel" | "initrd" | "squashfs"): Promise<ServedFile> => {
    const { name, size, sha256 } = files[role];
    const path = resolve(join(directory, name));
    await onFile(path);
    const file = await servedFile(path, name, role);
    if (file?.size === size) return { ...file, etag: `"${sha256}"` };
    throw new NetbootError(
      "RELEASE_INVALID",
      file === undefined
        ? `The file ${path} is missing.`
        : `The file ${path} has ${file.size} bytes instead of ${size}.`,
      "Make the directory again: kairos-netboot extract, with --force.",
    );
  };
  const three = {
    kernel: await served("kernel"),
    initrd: await served("initrd"),
    squashfs: await served("squashfs"),
  };
  return {
    name: description.name,
    id: idOf(three),
    architecture: source.platform.split("/")[1] ?? "",
    ...three,
    commandLine: description.commandLine,
    cloudConfig:
      files.cloudConfig && (await cloudConfigAt(join(directory, files.cloudConfig.name), onFile)),
  };
}

/** By what the files hold, as far as their ETags tell: it outlives the server. */
function idOf({ kernel, initrd, squashfs }: Pick<Release, keyof LooseFiles>): string {
  const etags = [kernel, initrd, squashfs].map(({ etag }) => etag);
  return createHash("sha256").update(etags.join(" ")).digest("hex").slice(0, idLength);
}

async function cloudConfigAt(path: string, onFile: OnFile): Promise<{ text: string }> {
  await onFile(path);
  return { text: (await readCloudConfig(path)).toString("utf8") };
}

/** Three files that somebody else made. */
export interface LooseFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
}

/**
 * Makes a release of three files, under the names that Kairos' releases have.
 * @throws NetbootError RELEASE_INVALID where one is missing, or the kernel is none that is known
 */
export async function looseRelease(
  { kernel, initrd, squashfs }: LooseFiles,
  onFile: OnFile = async () => {},
): Promise<Release> {
  // The names stand in iPXE scripts and on the kernel's command line.
  const name = basename(squashfs)
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.+-]/g, "-");
  const names = fileNames(name);
  const served = async (path: string, role: keyof LooseFiles): Promise<ServedFile> => {
    await onFile(path);
    const file = await servedFile(path, names[role], role);
    if (file !== undefined) return file;
    throw new NetbootError(
      "RELEASE_INVALID",
      `There is no file ${path}.`,
      "Name kernel, initrd and squashfs of one release.",
    );
  };
  const files = {
    kernel: await served(kernel, "kernel"),
    initrd: await served(initrd, "initrd"),
    squashfs: await served(squashfs, "squashfs"),
  };
  const architecture = await kernelArchitecture(kernel);
  if (architecture === undefined) {
    throw new NetbootError(
      "RELEASE_INVALID",
      `The file ${kernel} is no kernel that iPXE can start.`,
      "Name a bzImage, an arm64 Image or a kernel that is an EFI program, not compressed.",
    );
  }
  const commandLine = commandLineByName(name);
  return { name, id: idOf(files), architecture, ...files, commandLine };
}

/** A file by its size and time; undefined where there is none. */
export async function servedFile(
  path: string,
  name: string,
  role: Role,
): Promise<ServedFile | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) return undefined;
  const { size } = stats;
  const identity = identityOf(stats);
  return { role, name, path: resolve(path), size, etag: etagFor(stats), identity };
}

/** Strong as long as nobody writes into a file and sets its time back. */
export function etagFor({ size, mtime, ino }: Stats): string {
  return `"${[size, mtime.getTime(), ino].map((it) => it.toString(16)).join("-")}"`;
}

/**
 * Machines that no rule gives a release get the first one for them, in the order of the directories
 * that were named; within a directory there is no such order.
 * @param groups the releases of each directory
 * @throws NetbootError RELEASE_INVALID where a directory has several for one architecture
 */
export function requireOrder(groups: readonly (readonly Release[])[]): void {
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
