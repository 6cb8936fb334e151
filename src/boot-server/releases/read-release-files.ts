import { basename } from "node:path";
import { artifactNames } from "../../artifacts/index.js";
import { commandLineByName } from "../../kairos/index.js";
import { kernelArchitecture } from "../../kernel/index.js";
import { readSuperblock } from "../../squashfs/index.js";
import { NetbootError } from "../../support/index.js";
import type { BeforeRead } from "../files/file-snapshot.js";
import { readServedFile, type ServedFile } from "../files/served-file.js";
import { type Release, releaseId } from "./release.js";

/** Paths of three files of a release that another tool made. */
export interface ReleaseFilePaths {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
}

/**
 * Makes a release of three files. Machines fetch them under the names that Kairos's releases have.
 * @throws NetbootError RELEASE_INVALID if a file is missing or truncated, or iPXE cannot start the
 *   kernel
 */
export async function readReleaseFiles(
  { kernel, initrd, squashfs }: ReleaseFilePaths,
  beforeRead: BeforeRead = async () => {},
): Promise<Release> {
  // The name becomes part of iPXE scripts and of the kernel command line.
  const name = basename(squashfs)
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.+-]/g, "-");
  const names = artifactNames(name);
  const served = async (path: string, role: keyof ReleaseFilePaths): Promise<ServedFile> => {
    await beforeRead(path);
    const file = await readServedFile(path, names[role], role);
    if (file !== undefined) return file;
    throw new NetbootError(
      "RELEASE_INVALID",
      `There is no file ${path}.`,
      "Name the kernel, the initrd and the squashfs of one release.",
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
      `The file ${kernel} is not a kernel that iPXE can start.`,
      "Name a bzImage, an arm64 Image, or an uncompressed kernel that is an EFI program.",
    );
  }
  await requireComplete(files.squashfs);
  const commandLine = commandLineByName(name);
  return { name, id: releaseId(files), architecture, ...files, commandLine };
}

/** A squashfs that is still being copied here would fail late, in the machine's kernel. */
async function requireComplete({ path, size }: ServedFile): Promise<void> {
  const bytes = (await readSuperblock(path))?.bytesUsed ?? 0;
  if (size >= bytes) return;
  throw new NetbootError(
    "RELEASE_INVALID",
    `The file ${path} has ${size} bytes, but its file system needs ${bytes}.`,
    "Copy it again.",
  );
}
