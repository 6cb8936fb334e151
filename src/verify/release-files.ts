import { readdir, stat } from "node:fs/promises";
import { type Description, descriptionName, fileNames } from "../artifacts/index.js";
import { NetbootError, systemCode } from "../support/index.js";

/** Names in one directory that belong together. */
export interface ReleaseFiles {
  readonly directory: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
  readonly script: string | undefined;
}

/**
 * The release in a directory: as its description says, else by the names that releases have.
 * @throws NetbootError RELEASE_INVALID where there is none, or more than one
 */
export async function findRelease(
  directory: string,
  description: Description | undefined,
): Promise<ReleaseFiles> {
  const names = await listNames(directory);
  const prefixes = description === undefined ? releaseNames(names) : [description.name];
  if (prefixes.length > 1) {
    throw invalid(
      `The directory ${directory} holds several releases: ${prefixes.slice(0, 5).join(", ")}.`,
      "Put each into a directory of its own.",
    );
  }
  const [name] = prefixes;
  if (name === undefined) {
    throw invalid(
      `The directory ${directory} holds no release: neither ${descriptionName} nor NAME-kernel, NAME-initrd and NAME.squashfs.`,
      `Make one: kairos-netboot extract IMAGE -o ${directory}`,
    );
  }
  const files = description?.files;
  const usual = fileNames(name);
  return {
    directory,
    kernel: files?.kernel.name ?? usual.kernel,
    initrd: files?.initrd.name ?? usual.initrd,
    squashfs: files?.squashfs.name ?? usual.squashfs,
    script: files?.script.name ?? (names.includes(usual.script) ? usual.script : undefined),
  };
}

const suffixes = ["-kernel", "-initrd", ".squashfs"];

/** What is common to at least two of the three names: the third is then missing, and told of. */
function releaseNames(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const suffix = suffixes.find((it) => name.endsWith(it) && name.length > it.length);
    if (suffix === undefined) continue;
    const release = name.slice(0, -suffix.length);
    counts.set(release, (counts.get(release) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([name]) => name);
}

async function listNames(directory: string): Promise<string[]> {
  try {
    if (!(await stat(directory)).isDirectory()) throw new TypeError("is no directory");
    return await readdir(directory);
  } catch (error) {
    const reason = systemCode(error) ?? "it is a file";
    throw invalid(
      `The directory ${directory} cannot be read (${reason}).`,
      "Name a directory that extract made.",
    );
  }
}

function invalid(message: string, hint: string): NetbootError {
  return new NetbootError("RELEASE_INVALID", message, hint);
}
