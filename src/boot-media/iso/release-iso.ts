import { artifactNames, formatReleaseScript } from "../../artifacts/index.js";
import { expandCommandLine, findIpxeVariable } from "../../kairos/index.js";
import { NetbootError, sanitize } from "../../support/index.js";
import { placeForGrub, releaseConfiguration, wordsForGrub } from "./grub.js";
import {
  type BootPrograms,
  findBootPrograms,
  findMakers,
  readsScriptBesideIt,
  speaksHttps,
} from "./iso-boot-programs.js";
import type { IsoRelease } from "./iso-release.js";
import { timeOf } from "./iso-time.js";
import { makeIso } from "./write-iso.js";

export interface ReleaseIsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for files in between. */
  readonly scratch: string;
  readonly release: IsoRelease;
  /** Where its files are on a web server, without a slash at the end. */
  readonly url: string;
  readonly ipxeDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes the ISO that boots a release from a web server.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function makeReleaseIso(options: ReleaseIsoOptions): Promise<void> {
  const { path, scratch, release, url, ipxeDirectory, signal } = options;
  const { name, architecture, source, commandLine, cloudConfig, created } = release;
  const wish = { architecture, url, commandLine, ipxeDirectory };
  const programs = await ensureIsoIsPossible(wish);
  const { kernel, initrd } = artifactNames(name);
  const config = cloudConfig === undefined ? undefined : `${url}/${cloudConfig}`;
  const expanded = expandCommandLine(commandLine, { url, config });
  await makeIso({
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
    grub: () => releaseConfiguration({ name, kernel, initrd, url, commandLine: expanded }),
    grubStartsIpxe: false,
    programs,
    time: timeOf(created),
    signal,
  });
}

export interface IsoWish {
  /** As OCI names it. */
  readonly architecture: string;
  readonly url: string;
  /** Or the part of it that is known. */
  readonly commandLine: string;
  readonly ipxeDirectory: string | undefined;
}

/**
 * Finds out, before the long work, whether an ISO can be made for a release.
 * @returns what it will be made of
 * @throws NetbootError USAGE_INVALID, PROGRAM_MISSING
 */
export async function ensureIsoIsPossible(wish: IsoWish): Promise<BootPrograms> {
  const { architecture, url, commandLine, ipxeDirectory } = wish;
  if (architecture !== "amd64") throw otherArchitecture(architecture);
  const programs = await findBootPrograms(ipxeDirectory);
  const takesScript = await readsScriptBesideIt(programs.ipxeForUefi);
  if (url.startsWith("https:")) await ensureHttps(url, programs, ipxeDirectory);
  if (!takesScript) {
    placeForGrub(url);
    wordsForGrub(commandLine);
    ensureNoVariables(commandLine);
  }
  await findMakers(!takesScript);
  return programs;
}

/** Under BIOS iPXE would put something in for them, and GRUB would not. */
function ensureNoVariables(commandLine: string): void {
  const variable = findIpxeVariable(commandLine);
  if (variable === undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `The command line of a boot ISO cannot hold ${variable}: GRUB, which boots it under UEFI, does not know it.`,
    "Write its value, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
  );
}

function otherArchitecture(architecture: string): NetbootError {
  return new NetbootError(
    "USAGE_INVALID",
    `A boot ISO is for amd64 only, and this release is for ${architecture}.`,
    "Boot such machines with serve, or by the script NAME.ipxe from a web server.",
  );
}

/** The iPXE of Debian's package knows no HTTPS. */
async function ensureHttps(
  url: string,
  programs: BootPrograms,
  ipxeDirectory: string | undefined,
): Promise<void> {
  if (ipxeDirectory !== undefined && (await speaksHttps(programs, ipxeDirectory))) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `A boot ISO cannot fetch from ${url}: its iPXE knows no HTTPS.`,
    "Use an http:// address, or name a directory with an ipxe.efi and ipxe.lkrn of 2021 or later that do with --ipxe-dir.",
  );
}
