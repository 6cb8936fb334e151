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
 * Checks that provenance.json is about these files and this image. `checkSums` compares the files
 * themselves with their checksums.
 * @returns undefined if there is no provenance.json
 */
export async function checkProvenance(
  directory: string,
  netbootJson: NetbootJson | undefined,
): Promise<Check | undefined> {
  const bytes = await tryReadSmallFile(join(directory, provenanceName));
  if (bytes === undefined) return undefined;
  const found = parseProvenance(bytes.toString("utf8"));
  if (found === undefined)
    return failed("provenance", `${provenanceName} is not an SLSA statement`);
  const sums = await knownSums(directory, netbootJson);
  if (sums.size === 0) {
    const what = `there is neither ${checksumsName} nor ${netbootJsonName} to compare with`;
    return unchecked("provenance", what);
  }
  for (const [name, sum] of found.subjects) {
    const what = problemOf(name, sum, sums.get(name));
    if (what !== undefined) return failed("provenance", `${provenanceName} ${what}`);
  }
  for (const name of neededNames(netbootJson)) {
    if (found.subjects.has(name)) continue;
    return failed("provenance", `${provenanceName} does not list ${name}`);
  }
  const image = netbootJson?.source.manifestDigest;
  if (image !== undefined && !found.dependencies.has(image)) {
    return failed("provenance", `${provenanceName} does not name the image ${image}`);
  }
  const count = found.subjects.size;
  return ok("provenance", `${provenanceName} covers these ${count} files and their image`);
}

/** SHA-256 by file name: those that are listed, and that of netboot.json itself. */
async function knownSums(
  directory: string,
  netbootJson: NetbootJson | undefined,
): Promise<Map<string, string>> {
  const list = await tryReadSmallFile(join(directory, checksumsName));
  const sums = new Map(list && parseChecksums(list.toString("utf8")));
  if (netbootJson === undefined) return sums;
  for (const { name, sha256 } of filesOf(netbootJson)) sums.set(name, sha256);
  // netboot.json cannot list itself.
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
  if (sum === undefined) return `states no SHA-256 of ${name}`;
  if (known === undefined) return `is about ${name}, which no other list contains`;
  return sum === known ? undefined : `is about another version of ${name}`;
}

/** The files that machines boot. A statement that leaves one out says nothing about it. */
function neededNames(netbootJson: NetbootJson | undefined): string[] {
  if (netbootJson === undefined) return [];
  const { kernel, initrd, squashfs } = netbootJson.files;
  return [kernel.name, initrd.name, squashfs.name];
}
