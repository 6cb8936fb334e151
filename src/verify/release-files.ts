import { readdir, stat } from "node:fs/promises";
import { type Description, descriptionName, fileNames, findReleases } from "../artifacts/index.js";
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
 * The releases in a directory: the one of its description, else those that the names of files tell.
 * @throws NetbootError RELEASE_INVALID where there is none, or it cannot be told what belongs together
 */
export async function releasesIn(
  directory: string,
  description: Description | undefined,
): Promise<ReleaseFiles[]> {
  const names = await listNames(directory);
  const scriptOf = (name: string) => {
    const { script } = fileNames(name);
    return names.includes(script) ? script : undefined;
  };
  if (description !== undefined) {
    const { kernel, initrd, squashfs, script } = description.files;
    const files = { kernel: kernel.name, initrd: initrd.name, squashfs: squashfs.name };
    return [{ directory, ...files, script: script.name }];
  }
  const usual = releaseNames(names).map((name) => ({ name, ...fileNames(name) }));
  const found = usual.length > 0 ? usual : await findReleases(directory);
  if (found.length === 0) {
    throw invalid(
      `The directory ${directory} holds no release: neither ${descriptionName} nor a kernel, an initrd and a squashfs.`,
      `Make one: kairos-netboot extract IMAGE -o ${directory}`,
    );
  }
  return found.map(({ name, kernel, initrd, squashfs }) => {
    return { directory, kernel, initrd, squashfs, script: scriptOf(name) };
  });
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
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([name]) => name)
    .sort();
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
