import { artifactNames, formatReleaseScript } from "../../artifacts/index.js";
import { expandCommandLine, findIpxeVariable } from "../../kairos/index.js";
import { NetbootError, sanitize } from "../../support/index.js";
import { formatReleaseConfig, grubLocation, splitForGrub } from "./grub-config.js";
import {
  findIsoBootPrograms,
  type IsoBootPrograms,
  requireIsoTools,
  runsAutoexec,
  supportsHttps,
} from "./iso-boot-programs.js";
import type { IsoRelease } from "./iso-release.js";
import { isoTime } from "./iso-time.js";
import { writeIso } from "./write-iso.js";

export interface ReleaseIsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for intermediate files. */
  readonly scratch: string;
  readonly release: IsoRelease;
  /** Location of its files on a web server, without a slash at the end. */
  readonly url: string;
  readonly ipxeDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes an ISO that boots a release from a web server.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function makeReleaseIso(options: ReleaseIsoOptions): Promise<void> {
  const { path, scratch, release, url, ipxeDir, signal } = options;
  const { name, architecture, source, commandLine, cloudConfig, created } = release;
  const programs = await checkIsoRequirements({ architecture, url, commandLine, ipxeDir });
  const { kernel, initrd } = artifactNames(name);
  const config = cloudConfig === undefined ? undefined : `${url}/${cloudConfig}`;
  const expanded = expandCommandLine(commandLine, { url, config });
  await writeIso({
    path,
    scratch,
    script: formatReleaseScript({
      name,
      source: sanitize(source),
      architecture,
      commandLine,
      url,
      cloudConfig,
    }),
    grubConfig: () => formatReleaseConfig({ name, kernel, initrd, url, commandLine: expanded }),
    grubStartsIpxe: false,
    programs,
    time: isoTime(created),
    signal,
  });
}

export interface IsoRequirements {
  /** OCI's name. */
  readonly architecture: string;
  readonly url: string;
  /** The command line, or the part of it that is known. */
  readonly commandLine: string;
  readonly ipxeDir: string | undefined;
}

/**
 * Checks whether an ISO can be made for a release. Call this before long work, so that it does not
 * fail late.
 * @returns the files that the ISO will consist of
 * @throws NetbootError USAGE_INVALID, PROGRAM_MISSING
 */
export async function checkIsoRequirements(
  requirements: IsoRequirements,
): Promise<IsoBootPrograms> {
  const { architecture, url, commandLine, ipxeDir } = requirements;
  if (architecture !== "amd64") throw otherArchitecture(architecture);
  const programs = await findIsoBootPrograms(ipxeDir);
  const withGrub = !(await runsAutoexec(programs.ipxeForUefi));
  if (url.startsWith("https:")) await requireHttps(url, programs, ipxeDir);
  if (withGrub) {
    grubLocation(url);
    splitForGrub(commandLine);
    forbidVariables(commandLine);
  }
  await requireIsoTools({ withGrub });
  return programs;
}

/** Under BIOS, iPXE would replace them; under UEFI, GRUB would not. */
function forbidVariables(commandLine: string): void {
  const variable = findIpxeVariable(commandLine);
  if (variable === undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `The command line of a boot ISO cannot contain ${variable}: GRUB, which boots the ISO under UEFI, does not know that variable.`,
    "Write its value, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
  );
}

function otherArchitecture(architecture: string): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    `Boot ISOs are available for amd64 only, and this release is for ${architecture}.`,
    "Boot such machines with serve, or with the script NAME.ipxe from a web server.",
  );
}

/** The iPXE of Debian's package does not support HTTPS. */
async function requireHttps(
  url: string,
  programs: IsoBootPrograms,
  ipxeDir: string | undefined,
): Promise<void> {
  if (ipxeDir !== undefined && (await supportsHttps(programs, ipxeDir))) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `A boot ISO cannot fetch from ${url}: its iPXE does not support HTTPS.`,
    "Use an http:// URL, or use --ipxe-dir to name a directory with an ipxe.efi and an ipxe.lkrn of 2021 or later that support HTTPS.",
  );
}
