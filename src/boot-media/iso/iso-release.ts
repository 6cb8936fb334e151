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

export function releaseOf(netbootJson: NetbootJson): IsoRelease {
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
  const release = releaseOf(netbootJson);
  if (isFit(release)) return { release, url: netbootJson.options.url ?? null };
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
    `The release in ${directory} is called "${name}", which a boot script cannot contain.`,
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

function notOneRelease(directory: string): NetbootError {
  return invalid(
    `A boot ISO is for one release, and the directory ${directory} holds others or other names.`,
    "Put one release there, as NAME-kernel, NAME-initrd and NAME.squashfs.",
  );
}

function invalid(message: string, hint: string): NetbootError {
  return new NetbootError("RELEASE_INVALID", message, hint);
}
