import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError, systemCode, tryReadSmallFile } from "../support/index.js";
import {
  checksumsName,
  checksumsSignatureName,
  describeFile,
  filesOf,
  formatChecksums,
  parseChecksums,
  sha256OfText,
  sizeOfFile,
} from "./artifact-files.js";
import { type Description, descriptionName, isFileName, parseDescription } from "./netboot-json.js";
import { provenanceName } from "./provenance.js";

/** What stands in the destination before an extraction. */
export type Present = "nothing" | "empty directory" | "earlier output";

/**
 * @throws NetbootError OUTPUT_NOT_EMPTY where publishing would destroy something,
 *   OUTPUT_NOT_WRITABLE where the place cannot be looked at
 */
export async function inspectDestination(directory: string): Promise<Present> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const isAbsent = systemCode(error) === "ENOENT";
    if (isAbsent && !(await isLink(directory))) return "nothing";
    const reason = isAbsent ? "it is a link that leads nowhere" : systemCode(error);
    throw new NetbootError(
      "OUTPUT_NOT_WRITABLE",
      `The output directory ${directory} cannot be used (${reason}).`,
      "Choose another directory with --output.",
      { cause: error },
    );
  }
  const foreign = await foreignNames(directory, names);
  if (foreign.length === 0) return names.length === 0 ? "empty directory" : "earlier output";
  const more = foreign.length > 3 ? ` and ${foreign.length - 3} more` : "";
  throw new NetbootError(
    "OUTPUT_NOT_EMPTY",
    `The output directory ${directory} holds what this program did not make: ${foreign.slice(0, 3).join(", ")}${more}.`,
    "Choose another directory with --output, or move those files away.",
  );
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** Names that no earlier extraction put there; leftovers of a killed one are not foreign. */
async function foreignNames(directory: string, names: readonly string[]): Promise<string[]> {
  const own = new Set([...(await readJournal(directory)), ...(await ownNames(directory))]);
  return names.filter((name) => !name.startsWith(stagingPrefix) && !own.has(name));
}

/** Hidden names under which output is prepared. */
export const stagingPrefix = ".kairos-netboot-";

const texts = [descriptionName, provenanceName] as const;

/**
 * All names in a directory that an earlier extraction put there: by its description, or by its sums
 * where that is damaged.
 */
export async function ownNames(directory: string): Promise<string[]> {
  const description = await readDescription(directory);
  const files =
    description === undefined
      ? await listedNames(directory)
      : [...filesOf(description).map(({ name }) => name), ...texts];
  return files.length === 0 ? [] : [...files, checksumsName, checksumsSignatureName];
}

/** None where the sums are not of a list as this program writes it. */
async function listedNames(directory: string): Promise<string[]> {
  const bytes = await tryReadSmallFile(join(directory, checksumsName));
  const sums = bytes && parseChecksums(bytes.toString("utf8"));
  return texts.every((name) => sums?.has(name)) ? [...sums!.keys()] : [];
}

/** While files are renamed into a directory one by one, all names concerned stand in here. */
export const journalName = `${stagingPrefix}publishing`;

/** The names that a run which was killed while it published may have left. */
export async function readJournal(directory: string): Promise<string[]> {
  const bytes = await tryReadSmallFile(join(directory, journalName));
  return (bytes?.toString("utf8") ?? "").split("\n").filter(isFileName);
}

export async function readDescription(directory: string): Promise<Description | undefined> {
  const bytes = await tryReadSmallFile(join(directory, descriptionName));
  return bytes && parseDescription(bytes.toString("utf8"));
}

/**
 * True where every file of the description is there with the bytes it says.
 * @throws that of an aborted signal
 */
export async function isIntact(
  directory: string,
  description: Description,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const files = filesOf(description);
    // Sizes first: it takes long to find out that a file of a few gigabytes is another one.
    for (const { name, size } of files) {
      if ((await sizeOfFile(directory, name)) !== size) return false;
    }
    for (const file of files) {
      const actual = await describeFile(directory, file.name, signal);
      if (actual.sha256 !== file.sha256) return false;
    }
    const others = texts.map(async (name) => {
      return { name, sha256: sha256OfText(await textOf(directory, name)) };
    });
    const sums = formatChecksums([...files, ...(await Promise.all(others))]);
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
