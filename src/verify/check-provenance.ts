import { join } from "node:path";
import {
  checksumsName,
  filesOf,
  type NetbootJson,
  netbootJsonName,
  parseChecksums,
  parseProvenance,
  provenanceName,
} from "../artifacts/index.js";
import { sha256Hex, tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

/**
 * Whether the statement beside the files is about these files and this image; whether the files are
 * as the sums say is another check's.
 * @returns undefined where there is no statement
 */
export async function checkProvenance(
  directory: string,
  description: NetbootJson | undefined,
): Promise<Check | undefined> {
  const bytes = await tryReadSmallFile(join(directory, provenanceName));
  if (bytes === undefined) return undefined;
  const found = parseProvenance(bytes.toString("utf8"));
  if (found === undefined) return failed("provenance", `${provenanceName} is no SLSA statement`);
  const sums = await knownSums(directory, description);
  if (sums.size === 0) {
    const what = `without ${checksumsName} and ${netbootJsonName} nothing is known of the files`;
    return unchecked("provenance", what);
  }
  for (const [name, sum] of found.subjects) {
    const what = problemOf(name, sum, sums.get(name));
    if (what !== undefined) return failed("provenance", `${provenanceName} ${what}`);
  }
  for (const name of neededNames(description)) {
    if (found.subjects.has(name)) continue;
    return failed("provenance", `${provenanceName} is not about ${name}`);
  }
  const image = description?.source.manifestDigest;
  if (image !== undefined && !found.dependencies.has(image)) {
    return failed("provenance", `${provenanceName} does not name the image ${image}`);
  }
  const count = found.subjects.size;
  return ok("provenance", `${provenanceName} is about these ${count} files and their image`);
}

/** SHA-256 of files by their names: as they are listed, and of the description as it is. */
async function knownSums(
  directory: string,
  description: NetbootJson | undefined,
): Promise<Map<string, string>> {
  const list = await tryReadSmallFile(join(directory, checksumsName));
  const sums = new Map(list && parseChecksums(list.toString("utf8")));
  if (description === undefined) return sums;
  for (const { name, sha256 } of filesOf(description)) sums.set(name, sha256);
  // It cannot list itself.
  const json = await tryReadSmallFile(join(directory, netbootJsonName));
  if (json !== undefined) {
    sums.set(netbootJsonName, sha256Hex(json));
  }
  return sums;
}

function problemOf(
  name: string,
  sum: string | undefined,
  known: string | undefined,
): string | undefined {
  if (sum === undefined) return `has no SHA-256 of ${name}`;
  if (known === undefined) return `is about ${name}, which nothing else lists`;
  return sum === known ? undefined : `is about another ${name}`;
}

/** What machines boot, which a statement about something else could leave out. */
function neededNames(description: NetbootJson | undefined): string[] {
  if (description === undefined) return [];
  const { kernel, initrd, squashfs } = description.files;
  return [kernel.name, initrd.name, squashfs.name];
}
