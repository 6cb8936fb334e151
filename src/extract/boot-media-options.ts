import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { WrittenNetbootJson } from "../artifacts/index.js";
import {
  checkIsoRequirements,
  findSigner,
  findStub,
  type IsoRequirements,
} from "../boot-media/index.js";
import { findIpxeVariable } from "../kairos/index.js";
import type { Platform } from "../oci-client/index.js";
import { type NetbootError, sha256Hex, systemCode, usageError } from "../support/index.js";

/** Checked options that boot media depend on. */
export interface BootMediaOptions {
  readonly iso: boolean;
  readonly ipxeDir: string | undefined;
  readonly uki: boolean;
  readonly ukiKey: string | undefined;
  readonly ukiCert: string | undefined;
  readonly platform: Platform;
  readonly url: string | undefined;
  readonly cmdline: string | undefined;
  readonly cmdlineReplace: string | undefined;
}

export interface CheckedIso {
  readonly ipxeDir: string | undefined;
  /** Of the boot program for BIOS followed by the one for UEFI; hexadecimal. */
  readonly ipxeSha256: string;
}

export interface CheckedUki {
  /** PEM files; undefined for an unsigned file. */
  readonly signing: { readonly key: string; readonly certificate: string } | undefined;
  /** Hexadecimal. */
  readonly certificateSha256: string | null;
  /** Hexadecimal. */
  readonly stubSha256: string;
}

export interface CheckedBootMedia {
  readonly url: string;
  readonly iso: CheckedIso | undefined;
  readonly uki: CheckedUki | undefined;
}

/**
 * Finds out whether the boot media can be made, before the long work.
 * @returns undefined if neither is wanted
 * @throws NetbootError USAGE_INVALID, PROGRAM_MISSING
 */
export async function checkBootMedia(
  options: BootMediaOptions,
): Promise<CheckedBootMedia | undefined> {
  const { iso, uki, ipxeDir, ukiKey, ukiCert, url, cmdline = "", cmdlineReplace = "" } = options;
  if (!uki && (ukiKey !== undefined || ukiCert !== undefined)) {
    throw usageError("--uki-key and --uki-cert sign the file that --uki makes.", "Add --uki.");
  }
  if ((ukiKey === undefined) !== (ukiCert === undefined)) {
    throw usageError("--uki-key and --uki-cert belong together.", "Give both or neither.");
  }
  if (!iso && ipxeDir !== undefined) {
    throw usageError("--ipxe-dir is for the boot ISO.", "Add --iso.");
  }
  if (!iso && !uki) return undefined;
  if (url === undefined) throw urlMissing(iso ? "--iso" : "--uki");
  const { architecture } = options.platform;
  const commandLine = `${cmdlineReplace} ${cmdline}`;
  const requirements = { architecture, url, commandLine, ipxeDir };
  return {
    url,
    iso: iso ? await checkIso(requirements) : undefined,
    uki: uki ? await checkUki(requirements, ukiKey, ukiCert) : undefined,
  };
}

async function checkIso(requirements: IsoRequirements): Promise<CheckedIso> {
  const { ipxeForBios, ipxeForUefi } = await checkIsoRequirements(requirements);
  return { ipxeDir: requirements.ipxeDir, ipxeSha256: await sha256Of(ipxeForBios, ipxeForUefi) };
}

async function checkUki(
  { architecture, commandLine }: IsoRequirements,
  key: string | undefined,
  certificate: string | undefined,
): Promise<CheckedUki> {
  const variable = findIpxeVariable(commandLine);
  if (variable !== undefined) {
    throw usageError(
      `The command line of a unified kernel image cannot contain ${variable}: only iPXE knows its value.`,
      "Write the value, or leave --uki out.",
    );
  }
  const stubSha256 = await sha256Of(await findStub(architecture));
  if (key === undefined || certificate === undefined) {
    return { signing: undefined, certificateSha256: null, stubSha256 };
  }
  await findSigner();
  await readPem(key, "--uki-key");
  const certificateSha256 = sha256Hex(await readPem(certificate, "--uki-cert"));
  return { signing: { key, certificate }, certificateSha256, stubSha256 };
}

/** The boot media part of `options` in netboot.json. */
export function recordBootMedia(
  media: CheckedBootMedia | undefined,
): Pick<WrittenNetbootJson["options"], "iso" | "uki"> {
  const { iso, uki } = media ?? {};
  return {
    ...(iso === undefined ? {} : { iso: { ipxe: iso.ipxeSha256 } }),
    ...(uki === undefined
      ? {}
      : { uki: { certificate: uki.certificateSha256, stub: uki.stubSha256 } }),
  };
}

/** SHA-256 of programs of some megabytes, concatenated. */
async function sha256Of(...paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(await readFile(path));
  return hash.digest("hex");
}

async function readPem(path: string, flag: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw usageError(`${flag} ${path} cannot be read (${systemCode(cause)}).`, "Name a PEM file.");
  });
}

function urlMissing(flag: string): NetbootError {
  return usageError(
    `${flag} requires --url, from where machines fetch the other files.`,
    "Give the URL of the directory on a web server: --url http://192.168.1.10/kairos",
  );
}
