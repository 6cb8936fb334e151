import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { descriptionName, fileNames, readDescription } from "../artifacts/index.js";
import { kernelArchitecture, netbootCommandLine } from "../kairos/index.js";
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
}

/**
 * Reads what `extract` made.
 * @throws NetbootError RELEASE_INVALID where a directory is none of its outputs, or files are
 *   missing or have other sizes
 */
export async function readRelease(directory: string): Promise<Release> {
  const description = await readDescription(directory);
  if (description === undefined) {
    const isThere = await stat(directory).then(
      (it) => it.isDirectory(),
      () => false,
    );
    throw new NetbootError(
      "RELEASE_INVALID",
      isThere
        ? `The directory ${directory} holds no ${descriptionName} that can be read.`
        : `There is no directory ${directory}.`,
      `Make one first: kairos-netboot extract IMAGE -o ${directory}`,
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
  };
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
  const commandLine = netbootCommandLine(name, { hasSelinux: false });
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
