import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { descriptionName, fileNames, readDescription } from "../../artifacts/index.js";
import { commandLineByName, kernelArchitecture, readCloudConfig } from "../../kairos/index.js";
import { readSuperblock } from "../../squashfs/index.js";
import { NetbootError } from "../../support/index.js";
import { identityOf } from "../files/block-cache.js";

/** Hexadecimal digits; the kernel's command line has to hold them. */
export const idLength = 12;

/** What a machine fetches on its way. */
export type FileRole =
  | "boot-program"
  | "script"
  | "kernel"
  | "initrd"
  | "squashfs"
  | "cloud-config";

/** A file that machines fetch. */
export interface ServedFile {
  readonly role: FileRole;
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
export type BeforeRead = (path: string) => Promise<void>;

/**
 * Reads the release that `extract` made in a directory.
 * @throws NetbootError RELEASE_INVALID where files are missing or have other sizes
 */
export async function readDescribedRelease(
  directory: string,
  beforeRead: BeforeRead,
): Promise<Release> {
  await beforeRead(join(directory, descriptionName));
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
    await beforeRead(path);
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
      files.cloudConfig &&
      (await cloudConfigAt(join(directory, files.cloudConfig.name), beforeRead)),
  };
}

/** By what the files hold, as far as their ETags tell: it outlives the server. */
function idOf({ kernel, initrd, squashfs }: Pick<Release, keyof ReleaseFiles>): string {
  const etags = [kernel, initrd, squashfs].map(({ etag }) => etag);
  return createHash("sha256").update(etags.join(" ")).digest("hex").slice(0, idLength);
}

async function cloudConfigAt(path: string, beforeRead: BeforeRead): Promise<{ text: string }> {
  await beforeRead(path);
  return { text: (await readCloudConfig(path)).toString("utf8") };
}

/** Three files that somebody else made. */
export interface ReleaseFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
}

/**
 * Makes a release of three files, under the names that Kairos' releases have.
 * @throws NetbootError RELEASE_INVALID where one is missing or not whole, or the kernel is none that
 *   is known
 */
export async function readReleaseFiles(
  { kernel, initrd, squashfs }: ReleaseFiles,
  beforeRead: BeforeRead = async () => {},
): Promise<Release> {
  // The names stand in iPXE scripts and on the kernel's command line.
  const name = basename(squashfs)
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.+-]/g, "-");
  const names = fileNames(name);
  const served = async (path: string, role: keyof ReleaseFiles): Promise<ServedFile> => {
    await beforeRead(path);
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
  await requireWhole(files.squashfs);
  const commandLine = commandLineByName(name);
  return { name, id: idOf(files), architecture, ...files, commandLine };
}

/** Its kernel would find out late that a squashfs ends too early: it may still be on its way here. */
async function requireWhole({ path, size }: ServedFile): Promise<void> {
  const bytes = (await readSuperblock(path))?.bytesUsed ?? 0;
  if (size >= bytes) return;
  throw new NetbootError(
    "RELEASE_INVALID",
    `The file ${path} has ${size} bytes, and its file system ${bytes}.`,
    "Copy it once more.",
  );
}

/** A file by its size and time; undefined where there is none. */
export async function servedFile(
  path: string,
  name: string,
  role: FileRole,
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
