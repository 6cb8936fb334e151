import { join } from "node:path";
import {
  checksumsName,
  describeFile,
  type FileDescription,
  filesOf,
  type NetbootJson,
  netbootJsonName,
  parseChecksums,
  sizeOfFile,
} from "../artifacts/index.js";
import { formatBytes, tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";
import { fileProblem, unreadable } from "./regular-file.js";

interface Expected {
  /** Files that state something about this one. */
  readonly sources: string[];
  readonly sums: Set<string>;
  size: number | undefined;
}

/** Checks each file that SHA256SUMS or netboot.json lists, and that SHA256SUMS lists all of `needed`. */
export async function* checkSums(
  directory: string,
  netbootJson: NetbootJson | undefined,
  needed: Iterable<string>,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const bytes = await tryReadSmallFile(join(directory, checksumsName));
  const listed = bytes && parseChecksums(bytes.toString("utf8"));
  if (bytes === undefined) {
    const isStated = netbootJson !== undefined;
    const what = `there is no ${checksumsName}`;
    yield isStated ? failed("sums", what) : unchecked("sums", what);
  } else if (listed === undefined) {
    yield failed("sums", `${checksumsName} is not a list of the kind that sha256sum writes`);
  }
  const expected = new Map<string, Expected>();
  const expect = (name: string, from: string, sum: string, size?: number) => {
    const known = expected.get(name) ?? { sources: [], sums: new Set<string>(), size: undefined };
    known.sources.push(from);
    known.sums.add(sum);
    known.size ??= size;
    expected.set(name, known);
  };
  for (const [name, sum] of listed ?? []) expect(name, checksumsName, sum);
  for (const { name, sha256, size } of netbootJson === undefined ? [] : filesOf(netbootJson)) {
    expect(name, netbootJsonName, sha256, size);
  }
  for (const [name, what] of expected) yield await checkFile(directory, name, what, signal);
  if (listed === undefined) return;
  for (const name of needed) {
    if (!listed.has(name)) yield failed("sums", `${name} is not in ${checksumsName}`);
  }
}

async function checkFile(
  directory: string,
  name: string,
  { sources, sums, size }: Expected,
  signal: AbortSignal,
): Promise<Check> {
  const stated = sources.join(" and ");
  const problem = await fileProblem(join(directory, name));
  if (problem !== undefined) return failed("sums", `${name} ${problem}`);
  if (sums.size > 1) return failed("sums", `${name}: ${stated} contradict each other`);
  let actual: FileDescription;
  try {
    const present = await sizeOfFile(directory, name);
    if (size !== undefined && present !== size) {
      return failed("sums", `${name} has ${present} bytes instead of ${size}`);
    }
    actual = await describeFile(directory, name, signal);
  } catch (error) {
    signal.throwIfAborted();
    return failed("sums", `${name} ${unreadable(error)}`);
  }
  if (!sums.has(actual.sha256))
    return failed(
      "sums",
      `${name} is not the file that ${stated} ${sources.length > 1 ? "list" : "lists"}`,
    );
  return ok("sums", `${name} matches ${stated} (${formatBytes(actual.size)})`);
}
