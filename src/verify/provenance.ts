import { join } from "node:path";
import {
  checksumsName,
  type Description,
  filesOf,
  parseProvenance,
  provenanceName,
} from "../artifacts/index.js";
import { readSmall } from "../support/index.js";
import { type Check, failed, ok } from "./check.js";
import { parseChecksums } from "./sums.js";

/**
 * Whether the statement beside the files is about these files and this image; whether the files are
 * as the sums say is another check's.
 * @returns undefined where there is no statement
 */
export async function checkProvenance(
  directory: string,
  description: Description | undefined,
): Promise<Check | undefined> {
  const bytes = await readSmall(join(directory, provenanceName));
  if (bytes === undefined) return undefined;
  const found = parseProvenance(bytes.toString("utf8"));
  if (found === undefined) return failed("provenance", `${provenanceName} is no SLSA statement`);
  const list = await readSmall(join(directory, checksumsName));
  const sums = new Map(list && parseChecksums(list.toString("utf8")));
  for (const { name, sha256 } of description === undefined ? [] : filesOf(description)) {
    sums.set(name, sha256);
  }
  for (const [name, sum] of found.subjects) {
    if (sums.get(name) === sum) continue;
    return failed("provenance", `${provenanceName} is about another ${name}`);
  }
  const image = description?.source.manifestDigest;
  if (image !== undefined && !found.dependencies.has(image)) {
    return failed("provenance", `${provenanceName} does not name the image ${image}`);
  }
  const count = found.subjects.size;
  return ok("provenance", `${provenanceName} is about these ${count} files and their image`);
}
