import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError, sha256Hex, systemCode, tryReadSmallFile } from "../support/index.js";
import { describeFile, filesOf, sizeOfFile } from "./artifact-files.js";
import {
  checksumsName,
  checksumsSignatureName,
  formatChecksums,
  parseChecksums,
} from "./checksums.js";
import { type NetbootJson, netbootJsonName, readNetbootJson } from "./netboot-json.js";
import { provenanceName } from "./provenance.js";
import { readPublishJournal, stagingPrefix } from "./publish-journal.js";

/** State of the destination before an extraction. */
export type DestinationState = "absent" | "empty" | "earlier output";

/**
 * @throws NetbootError OUTPUT_NOT_EMPTY if publishing would destroy something,
 *   OUTPUT_NOT_WRITABLE if the destination cannot be read
 */
export async function inspectDestination(directory: string): Promise<DestinationState> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const isAbsent = systemCode(error) === "ENOENT";
    if (isAbsent && !(await isLink(directory))) return "absent";
    const reason = isAbsent ? "it is a dangling link" : systemCode(error);
    throw new NetbootError(
      "OUTPUT_NOT_WRITABLE",
      `The output directory ${directory} cannot be used (${reason}).`,
      "Choose another directory with --output.",
      { cause: error },
    );
  }
  const foreign = await foreignNames(directory, names);
  if (foreign.length === 0) return names.length === 0 ? "empty" : "earlier output";
  const more = foreign.length > 3 ? ` and ${foreign.length - 3} more` : "";
  throw new NetbootError(
    "OUTPUT_NOT_EMPTY",
    `The output directory ${directory} contains files that this program did not make: ${foreign.slice(0, 3).join(", ")}${more}.`,
    "Choose another directory with --output, or move those files away.",
  );
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** Names that no earlier extraction made; leftovers of a killed one are not foreign. */
async function foreignNames(directory: string, names: readonly string[]): Promise<string[]> {
  const own = new Set([...(await readPublishJournal(directory)), ...(await ownNames(directory))]);
  return names.filter((name) => !name.startsWith(stagingPrefix) && !own.has(name));
}

/** The files beside those that `files` in netboot.json lists; SHA256SUMS lists these two as well. */
const metadataNames = [netbootJsonName, provenanceName] as const;

/**
 * All names in a directory that an earlier extraction made, according to netboot.json, or to
 * SHA256SUMS if netboot.json is damaged.
 */
export async function ownNames(directory: string): Promise<string[]> {
  const netbootJson = await readNetbootJson(directory);
  const files =
    netbootJson === undefined
      ? await listedNames(directory)
      : [...filesOf(netbootJson).map(({ name }) => name), ...metadataNames];
  return files.length === 0 ? [] : [...files, checksumsName, checksumsSignatureName];
}

/** Empty if SHA256SUMS is not a list of the kind that this program writes. */
async function listedNames(directory: string): Promise<string[]> {
  const bytes = await tryReadSmallFile(join(directory, checksumsName));
  const sums = bytes && parseChecksums(bytes.toString("utf8"));
  if (sums === undefined || !metadataNames.every((name) => sums.has(name))) return [];
  return [...sums.keys()];
}

/**
 * True if every file that netboot.json lists has the bytes that it states.
 * @throws the reason of an aborted signal
 */
export async function isIntact(
  directory: string,
  netbootJson: NetbootJson,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const files = filesOf(netbootJson);
    // Compare sizes first: hashing a file of a few gigabytes takes long.
    for (const { name, size } of files) {
      if ((await sizeOfFile(directory, name)) !== size) return false;
    }
    for (const file of files) {
      const actual = await describeFile(directory, file.name, signal);
      if (actual.sha256 !== file.sha256) return false;
    }
    const metadata = metadataNames.map(async (name) => {
      return { name, sha256: sha256Hex(await textOf(directory, name)) };
    });
    const sums = formatChecksums([...files, ...(await Promise.all(metadata))]);
    return (await textOf(directory, checksumsName)) === sums;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

async function textOf(directory: string, name: string): Promise<string> {
  const bytes = await tryReadSmallFile(join(directory, name));
  if (bytes === undefined) throw new RangeError(`there is no ${name}`);
  return bytes.toString("utf8");
}
