import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactNames, describeFile, type WrittenNetbootJson } from "../artifacts/index.js";
import {
  ensureIsoIsPossible,
  findSigner,
  findStub,
  type IsoWish,
  makeReleaseIso,
  makeUki,
  releaseOf,
  signEfiProgram,
} from "../boot-media/index.js";
import { expandCommandLine, findIpxeVariable, formatOsRelease } from "../kairos/index.js";
import { type NetbootError, systemCode, usageError } from "../support/index.js";
import type { CheckedBootOptions } from "./boot-options.js";

/** What else machines are to boot from, beside a network boot server. */
export interface BootMediaOptions {
  /** Makes an ISO that boots the release from its `url`. */
  iso?: boolean | undefined;
  /** Where boot programs for the ISO are looked for before those of Debian's packages. */
  ipxeDirectory?: string | undefined;
  /** Makes a unified kernel image for UEFI HTTP Boot, which knows the release's `url`. */
  uki?: boolean | undefined;
  /** PEM files of a private key and a certificate that sign it for Secure Boot. */
  ukiKey?: string | undefined;
  ukiCertificate?: string | undefined;
}

export interface CheckedBootMedia {
  readonly url: string;
  readonly iso?: {
    readonly ipxeDirectory: string | undefined;
    /** Of the boot programs for BIOS and UEFI, one behind the other; hexadecimal. */
    readonly ipxeSha256: string;
  };
  readonly uki?: {
    readonly key: string | undefined;
    readonly certificate: string | undefined;
    /** Hexadecimal. */
    readonly certificateSha256: string | null;
    /** Hexadecimal. */
    readonly stubSha256: string;
  };
}

/**
 * Finds out whether they can be made, before the long work.
 * @param architecture as OCI names it
 * @returns undefined where none is wanted
 * @throws NetbootError USAGE_INVALID, PROGRAM_MISSING
 */
export async function checkBootMedia(
  options: BootMediaOptions,
  architecture: string,
  { url, words = "", replacement = "" }: CheckedBootOptions,
): Promise<CheckedBootMedia | undefined> {
  const { iso = false, uki = false, ipxeDirectory, ukiKey: key, ukiCertificate } = options;
  if (!uki && (key !== undefined || ukiCertificate !== undefined)) {
    throw usageError("--uki-key and --uki-cert sign what --uki makes.", "Give --uki, too.");
  }
  if ((key === undefined) !== (ukiCertificate === undefined)) {
    throw usageError("--uki-key and --uki-cert belong together.", "Give both, or none.");
  }
  if (!iso && ipxeDirectory !== undefined) {
    throw usageError("--ipxe-dir is for the boot ISO.", "Give --iso, too.");
  }
  if (!iso && !uki) return undefined;
  if (url === undefined) throw urlMissing(iso ? "--iso" : "--uki");
  const commandLine = `${replacement} ${words}`;
  const wish = { architecture, url, commandLine, ipxeDirectory };
  return {
    url,
    ...(iso ? { iso: await checkIso(wish) } : {}),
    ...(uki ? { uki: await checkUki(wish, key, ukiCertificate) } : {}),
  };
}

async function checkIso(wish: IsoWish): Promise<NonNullable<CheckedBootMedia["iso"]>> {
  const { ipxeForBios, ipxeForUefi } = await ensureIsoIsPossible(wish);
  const { ipxeDirectory } = wish;
  return { ipxeDirectory, ipxeSha256: await sha256Of(ipxeForBios, ipxeForUefi) };
}

async function checkUki(
  { architecture, commandLine }: IsoWish,
  key: string | undefined,
  certificate: string | undefined,
): Promise<NonNullable<CheckedBootMedia["uki"]>> {
  const variable = findIpxeVariable(commandLine);
  if (variable !== undefined) {
    throw usageError(
      `The command line of a unified kernel image cannot hold ${variable}: only iPXE knows it.`,
      "Write its value, or leave --uki out.",
    );
  }
  const stubSha256 = await sha256Of(await findStub(architecture));
  if (key === undefined || certificate === undefined) {
    return { key, certificate, certificateSha256: null, stubSha256 };
  }
  await findSigner();
  await readable(key, "--uki-key");
  const bytes = await readable(certificate, "--uki-cert");
  const certificateSha256 = createHash("sha256").update(bytes).digest("hex");
  return { key, certificate, certificateSha256, stubSha256 };
}

/** Of programs of some megabytes, one behind the other. */
async function sha256Of(...paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(await readFile(path));
  return hash.digest("hex");
}

async function readable(path: string, flag: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw usageError(`${flag} ${path} cannot be read (${systemCode(cause)}).`, "Name a PEM file.");
  });
}

export interface BootMediaInput {
  readonly media: CheckedBootMedia | undefined;
  /** Of the other files. */
  readonly description: WrittenNetbootJson;
  /** Where these are, and what is made goes. */
  readonly directory: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * @returns what is added to `files` in `netboot.json`
 * @throws NetbootError USAGE_INVALID, PROGRAM_FAILED, SIGNING_FAILED, KERNEL_UNFIT, STUB_INVALID
 */
export async function writeBootMedia(
  input: BootMediaInput,
): Promise<Pick<WrittenNetbootJson["files"], "iso" | "uki">> {
  const { media, description, directory } = input;
  if (media === undefined) return {};
  const names = artifactNames(description.name);
  if (media.iso !== undefined) await writeIso(input, media, join(directory, names.iso));
  if (media.uki !== undefined) await writeUki(input, media, join(directory, names.uki));
  return {
    ...(media.iso === undefined ? {} : { iso: await describeFile(directory, names.iso) }),
    ...(media.uki === undefined ? {} : { uki: await describeFile(directory, names.uki) }),
  };
}

async function writeIso(
  { description, scratch, signal }: BootMediaInput,
  { url, iso }: CheckedBootMedia,
  path: string,
): Promise<void> {
  const ipxeDirectory = iso?.ipxeDirectory;
  const release = releaseOf(description);
  await makeReleaseIso({ path, scratch, release, url, ipxeDirectory, signal });
}

async function writeUki(
  { description, directory, signal }: BootMediaInput,
  { url, uki }: CheckedBootMedia,
  path: string,
): Promise<void> {
  const { name, files, source, kernel, kairos, commandLine } = description;
  const config = files.cloudConfig === undefined ? undefined : `${url}/${files.cloudConfig.name}`;
  const words = expandCommandLine(commandLine, { url, config }).split(" ");
  await makeUki({
    path,
    architecture: source.platform.split("/")[1]!,
    kernel: join(directory, files.kernel.name),
    initrd: join(directory, files.initrd.name),
    // The initrd is in it: no file of that name is to be looked for.
    commandLine: words.filter((word) => !word.startsWith("initrd=")).join(" "),
    kernelVersion: kernel.version ?? undefined,
    osRelease: formatOsRelease(name, kairos.release),
  });
  if (uki?.key === undefined || uki.certificate === undefined) return;
  await signEfiProgram(path, { key: uki.key, certificate: uki.certificate }, signal);
}

function urlMissing(flag: string): NetbootError {
  return usageError(
    `${flag} has to know where machines find the other files: --url is missing.`,
    "Say where a web server will have the directory: --url http://192.168.1.10/kairos",
  );
}
