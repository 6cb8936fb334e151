import { join } from "node:path";
import {
  type Description,
  fileNames,
  findReleases,
  readDescription,
} from "../../artifacts/index.js";
import { commandLineByName } from "../../kairos/index.js";
import { kernelArchitecture } from "../../kernel/index.js";
import { NetbootError } from "../../support/index.js";

/** What is to be booted; its files have the names of Kairos' releases. */
export interface IsoRelease {
  readonly name: string;
  /** As OCI names it. */
  readonly architecture: string;
  /** Reference and digest of the image, or where the files came from, for those who read scripts. */
  readonly source: string;
  /** With `${url}` for where the files are and `${config}` for a cloud-config. */
  readonly commandLine: string;
  /** Name of a cloud-config beside the files. */
  readonly cloudConfig: string | undefined;
  /** As the image says, ISO 8601. */
  readonly created: string | null;
}

export function releaseOf(description: Description): IsoRelease {
  const { name, files, source, commandLine, created } = description;
  return {
    name,
    architecture: source.platform.split("/")[1] ?? source.platform,
    source: `${source.reference}, ${source.manifestDigest}`,
    commandLine,
    cloudConfig: files.cloudConfig?.name,
    created,
  };
}

/**
 * Reads what `extract` made, or a directory with one of Kairos' old releases.
 * @returns also the address that it was made for; null where there is none
 * @throws NetbootError RELEASE_INVALID
 */
export async function readIsoRelease(
  directory: string,
): Promise<{ release: IsoRelease; url: string | null }> {
  const description = await readDescription(directory);
  if (description === undefined) return { release: await foundRelease(directory), url: null };
  const release = releaseOf(description);
  if (isFit(release)) return { release, url: description.options.url };
  throw invalid(
    `The netboot.json in ${directory} says what no boot script can hold.`,
    "Make it again: kairos-netboot extract, with --force.",
  );
}

async function foundRelease(directory: string): Promise<IsoRelease> {
  const found = await findReleases(directory).catch((error: unknown) => {
    if (error instanceof NetbootError) throw error;
    return [];
  });
  const [files] = found;
  if (files === undefined) {
    throw invalid(
      `The directory ${directory} holds no netboot.json and no squashfs that can be read.`,
      `Make it first: kairos-netboot extract IMAGE -o ${directory}`,
    );
  }
  const { name } = files;
  const { kernel, initrd } = fileNames(name);
  if (found.length > 1 || files.kernel !== kernel || files.initrd !== initrd) {
    throw invalid(
      `A boot ISO is for one release, and the directory ${directory} holds others or other names.`,
      "Put one release there, as NAME-kernel, NAME-initrd and NAME.squashfs.",
    );
  }
  const architecture = (await kernelArchitecture(join(directory, kernel))) ?? "unknown machines";
  const commandLine = commandLineByName(name);
  const source = "files that were there";
  const release = {
    name,
    architecture,
    source,
    commandLine,
    cloudConfig: undefined,
    created: null,
  };
  if (isFit(release)) return release;
  throw invalid(
    `The release in ${directory} is called "${name}", which no boot script can hold.`,
    "Give its files a name of letters, digits and . + - _",
  );
}

/**
 * Both iPXE and GRUB read what is put into their scripts by rules of their own. The source is only
 * in a comment.
 */
function isFit({ name, cloudConfig = "", commandLine }: IsoRelease): boolean {
  const areNamesFit = [name, cloudConfig].every((it) => /^[\w.+-]*$/.test(it));
  return areNamesFit && /^[\x20-\x7e]*$/.test(commandLine);
}

function invalid(message: string, hint: string): NetbootError {
  return new NetbootError("RELEASE_INVALID", message, hint);
}
