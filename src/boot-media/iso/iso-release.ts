import { join } from "node:path";
import {
  artifactNames,
  discoverReleases,
  type NetbootJson,
  type ReleaseFiles,
} from "../../artifacts/index.js";
import { commandLineByName } from "../../kairos/index.js";
import { kernelArchitecture } from "../../kernel/index.js";
import { NetbootError } from "../../support/index.js";

/** A release that an ISO boots. Its files have the names of Kairos's releases. */
export interface IsoRelease {
  readonly name: string;
  /** OCI's name. */
  readonly architecture: string;
  /** Reference and digest of the image, for people who read the script. */
  readonly source: string;
  /** `${url}` is the location of the files, `${config}` the address of a cloud-config. */
  readonly commandLine: string;
  /** File name of a cloud-config next to the other files. */
  readonly cloudConfig: string | undefined;
  /** When the image was made, according to its configuration; RFC 3339. */
  readonly created: string | null;
}

export function isoReleaseFrom(netbootJson: NetbootJson): IsoRelease {
  const { name, files, source, commandLine, created } = netbootJson;
  return {
    name,
    architecture: source.platform.split("/")[1] ?? source.platform,
    source: `${source.reference}, ${source.manifestDigest}`,
    commandLine,
    cloudConfig: files.cloudConfig?.name,
    created: created ?? null,
  };
}

/**
 * Reads a directory that `extract` made, or one with a Kairos release from elsewhere.
 * @returns also the address that `extract` made it for; null if there is none
 * @throws NetbootError RELEASE_INVALID
 */
export async function readIsoRelease(
  directory: string,
): Promise<{ release: IsoRelease; url: string | null }> {
  const [found, ...others] = await discoverReleases(directory);
  if (found === undefined || others.length > 0 || found.directory !== directory) {
    throw notOneRelease(directory);
  }
  const { files, netbootJson } = found;
  if (netbootJson === undefined) {
    return { release: await undescribedRelease(directory, files), url: null };
  }
  const release = isoReleaseFrom(netbootJson);
  if (isSafe(release)) return { release, url: netbootJson.options.url ?? null };
  throw invalid(
    `The netboot.json in ${directory} contains characters that a boot script cannot contain.`,
    "Make it again: kairos-netboot extract, with --force.",
  );
}

async function undescribedRelease(directory: string, files: ReleaseFiles): Promise<IsoRelease> {
  const { name } = files;
  const { kernel, initrd } = artifactNames(name);
  if (files.kernel !== kernel || files.initrd !== initrd) throw notOneRelease(directory);
  const architecture = (await kernelArchitecture(join(directory, kernel))) ?? "unknown machines";
  const commandLine = commandLineByName(name);
  const source = "files from elsewhere";
  const release = {
    name,
    architecture,
    source,
    commandLine,
    cloudConfig: undefined,
    created: null,
  };
  if (isSafe(release)) return release;
  throw invalid(
    `The release in ${directory} is called "${name}", which a boot script cannot contain.`,
    "Give its files a name of letters, digits and . + - _",
  );
}

/**
 * iPXE and GRUB each have their own syntax, so names and words in their scripts must not contain its
 * special characters. The source is only in a comment.
 */
function isSafe({ name, cloudConfig = "", commandLine }: IsoRelease): boolean {
  const areNamesSafe = [name, cloudConfig].every((it) => /^[\w.+-]*$/.test(it));
  return areNamesSafe && /^[\x20-\x7e]*$/.test(commandLine);
}

function notOneRelease(directory: string): NetbootError {
  return invalid(
    `A boot ISO needs one release, but the directory ${directory} contains several or other file names.`,
    "Put one release there, as NAME-kernel, NAME-initrd and NAME.squashfs.",
  );
}

function invalid(message: string, hint: string): NetbootError {
  return new NetbootError("RELEASE_INVALID", message, hint);
}
