import { availableParallelism } from "node:os";
import { findCommandLineProblem, readCloudConfig } from "../kairos/index.js";
import { hostPlatform, type Platform, parsePlatform } from "../oci-client/index.js";
import { translateError } from "../sources/index.js";
import { sha256Hex, usageError } from "../support/index.js";
import { encode } from "../tar/index.js";

export type SbomFormat = "spdx" | "cyclonedx";

/** A cloud-config as it was when the extraction began. */
export interface CloudConfigFile {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** @throws NetbootError CLOUD_CONFIG_INVALID */
export async function readCloudConfigFile(path: string): Promise<CloudConfigFile> {
  const bytes = await readCloudConfig(path);
  return { bytes, sha256: sha256Hex(bytes) };
}

/**
 * Words of a kernel command line, with single blanks between them. iPXE interprets some words, and
 * it does not know quotes.
 * @throws NetbootError USAGE_INVALID
 */
export function checkWords(text: string | undefined, flag: string): string | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const problem = findCommandLineProblem(text);
  if (problem === undefined) return text.trim().split(/\s+/).join(" ");
  throw usageError(`${flag} ${problem}.`, "Leave it out.");
}

/** @throws NetbootError USAGE_INVALID */
export function checkConsole(text: string): string {
  const console = text.replace(/^console=/, "");
  if (/^[A-Za-z][\w.,:-]*$/.test(console)) return console;
  throw usageError(
    `--console ${text} is not a console.`,
    "Write it as for the kernel: ttyS0,115200n8",
  );
}

/** @throws NetbootError USAGE_INVALID */
export function checkSbomFormat(format: string | boolean | undefined): SbomFormat | undefined {
  if (format === undefined || format === false) return undefined;
  if (format === true || format === "spdx") return "spdx";
  if (format === "cyclonedx") return format;
  throw usageError(`--sbom cannot be ${format}.`, "Write --sbom, --sbom spdx or --sbom cyclonedx.");
}

/** @throws NetbootError PLATFORM_INVALID */
export function checkPlatform(text: string | undefined): Platform {
  try {
    return text === undefined ? hostPlatform() : parsePlatform(text);
  } catch (error) {
    throw translateError(error);
  }
}

/** Bytes of an absolute path in the image. */
export function imagePath(path: string | undefined): string | undefined {
  return path === undefined ? undefined : encode(path.startsWith("/") ? path : `/${path}`);
}

export interface Jobs {
  readonly downloads: number;
  /** Undefined for all processors. */
  readonly processors: number | undefined;
}

const minDefaultDownloads = 3;

/** @throws NetbootError USAGE_INVALID */
export function checkJobs(jobs: number | undefined): Jobs {
  if (jobs === undefined) {
    const downloads = Math.max(minDefaultDownloads, availableParallelism());
    return { downloads, processors: undefined };
  }
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 256) {
    return { downloads: jobs, processors: jobs };
  }
  throw usageError(
    "--jobs has to be a number from 1 to 256.",
    "Leave it out to use all processors.",
  );
}

/** @throws NetbootError USAGE_INVALID */
export function checkDirectory(path: string, flag: string): string {
  if (path !== "") return path;
  throw usageError(`${flag} is empty.`, "Name a directory.");
}
