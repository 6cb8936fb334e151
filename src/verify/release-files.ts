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
  const script = `${name}.ipxe`;
  return {
    directory,
    kernel: files?.kernel.name ?? usual.kernel,
    initrd: files?.initrd.name ?? usual.initrd,
    squashfs: files?.squashfs.name ?? usual.squashfs,
    script: names.includes(script) ? script : undefined,
  };
}

/** What stands before `.squashfs` where kernel or initrd stand beside it. */
function releaseNames(names: readonly string[]): string[] {
  return names
    .filter((name) => name.endsWith(".squashfs"))
    .map((name) => name.slice(0, -".squashfs".length))
    .filter((name) => names.includes(`${name}-kernel`) || names.includes(`${name}-initrd`));
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
