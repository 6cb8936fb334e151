import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { descriptionName, readDescription } from "../artifacts/index.js";
import { NetbootError, systemCode } from "../support/index.js";

/** A file that machines fetch. */
export interface ServedFile {
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
  /** As OCI names it; undefined where nobody said. */
  readonly architecture: string | undefined;
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
  const served = async ({ name, size, sha256 }: (typeof files)["kernel"]): Promise<ServedFile> => {
    const path = resolve(join(directory, name));
    const actual = await sizeOf(path);
    if (actual === size) return { name, path, size, etag: `"${sha256}"` };
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
    architecture: source.platform.split("/")[1],
    kernel: await served(files.kernel),
    initrd: await served(files.initrd),
    squashfs: await served(files.squashfs),
    commandLine: description.commandLine,
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
