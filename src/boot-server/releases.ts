import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  descriptionName,
  type FoundRelease,
  fileNames,
  findReleases,
  readDescription,
} from "../artifacts/index.js";
import { commandLineByName, kernelArchitecture, readCloudConfig } from "../kairos/index.js";
import { NetbootError, systemCode } from "../support/index.js";

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
}

/** Kernel, initrd and squashfs that belong together. */
export interface Release {
  readonly name: string;
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

/**
 * Reads the releases of a directory: what `extract` made there, or in directories below it, or what
 * somebody else did, by the files' names.
 * @throws NetbootError RELEASE_INVALID where there is none, where files are missing or have other
 *   sizes, or where it cannot be told what belongs together
 */
export async function readReleases(directory: string): Promise<Release[]> {
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
  if (names.includes(descriptionName)) return [await readOwnRelease(directory)];
  const found = await findReleases(directory);
  if (found.length > 0) return Promise.all(found.map((files) => foundRelease(directory, files)));
  const below = await directoriesBelow(directory, names);
  if (below.length > 0) return Promise.all(below.map(readOwnRelease));
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} holds no ${descriptionName} and no squashfs.`,
    `Make it first: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

function foundRelease(directory: string, files: FoundRelease): Promise<Release> {
  const at = (name: string) => join(directory, name);
  return looseRelease({
    kernel: at(files.kernel),
    initrd: at(files.initrd),
    squashfs: at(files.squashfs),
  });
}

/** Those that `extract` made of several images, in the order of their names. */
async function directoriesBelow(directory: string, names: readonly string[]): Promise<string[]> {
  const below = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
  const isOwn = await Promise.all(
    below.map((path) =>
      stat(join(path, descriptionName)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return below.filter((_, index) => isOwn[index]);
}

async function readOwnRelease(directory: string): Promise<Release> {
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
    const actual = await sizeOf(path);
    if (actual === size) return { role, name, path, size, etag: `"${sha256}"` };
    throw new NetbootError(
      "RELEASE_INVALID",
      actual === undefined
        ? `The file ${path} is missing.`
        : `The file ${path} has ${actual} bytes instead of ${size}.`,
      "Make the directory again: kairos-netboot extract, with --force.",
    );
  };
  return {
    name: description.name,
    architecture: source.platform.split("/")[1] ?? "",
    kernel: await served("kernel"),
    initrd: await served("initrd"),
    squashfs: await served("squashfs"),
    commandLine: description.commandLine,
    cloudConfig:
      files.cloudConfig && (await cloudConfigAt(join(directory, files.cloudConfig.name))),
  };
}

async function cloudConfigAt(path: string): Promise<{ text: string }> {
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
export async function looseRelease({ kernel, initrd, squashfs }: LooseFiles): Promise<Release> {
  // The names stand in iPXE scripts and on the kernel's command line.
  const name = basename(squashfs)
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.+-]/g, "-");
  const names = fileNames(name);
  const served = async (path: string, role: keyof LooseFiles): Promise<ServedFile> => {
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
  return { name, architecture, ...files, commandLine };
}

/** A file by its size and time; undefined where there is none. */
export async function servedFile(
  path: string,
  name: string,
  role: Role,
): Promise<ServedFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const { size, mtime } = found;
  return { role, name, path: resolve(path), size, etag: etagFor(size, mtime) };
}

/** Strong as long as nobody sets times back. */
export function etagFor(size: number, mtime: Date): string {
  return `"${size.toString(16)}-${mtime.getTime().toString(16)}"`;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
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
