import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError } from "../support/index.js";

/** Names of files in a directory that belong together. */
export interface FoundRelease {
  /** Common to the file names, or the squashfs's own. */
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
}

/** What kernels and initrds are called where they are alone in a directory. */
const kernelName =
  /^(kernel|vmlinu[xz]|bzImage|zImage|uImage|Image)([._-].*)?$|[._-](kernel|vmlinuz)$/;
const initrdName = /^(initrd|initramfs)([._-].*)?$|[._-](initrd|initramfs)(\.img)?$/;

/**
 * Recognises by their names the files of Kairos' old releases and of AuroraBoot (`NAME-kernel`,
 * `NAME-initrd`, `NAME.squashfs`, several side by side), and a kernel, an initrd and a squashfs that
 * are alone in a directory, as pixiecore's users have them.
 * @returns sorted by name; none where there is no squashfs
 * @throws NetbootError RELEASE_INVALID where it cannot be told what belongs together
 */
export async function findReleases(directory: string): Promise<FoundRelease[]> {
  const names = await fileNamesIn(directory);
  const images = names.filter((name) => name.endsWith(".squashfs"));
  const [only] = images.length === 1 ? images : [];
  return images.map((squashfs) => {
    const name = squashfs.replace(/\.squashfs$/, "");
    const [kernel, initrd] = [`${name}-kernel`, `${name}-initrd`];
    if (names.includes(kernel) && names.includes(initrd)) return { name, kernel, initrd, squashfs };
    if (squashfs === only) return { name, ...loneFiles(directory, names), squashfs };
    const missing = [kernel, initrd].filter((it) => !names.includes(it));
    throw ambiguous(
      `The directory ${directory} holds several squashfs, and no ${missing.join(" and no ")} for ${squashfs}.`,
    );
  });
}

function loneFiles(directory: string, names: readonly string[]) {
  const one = (what: string, pattern: RegExp): string => {
    const found = names.filter((name) => pattern.test(name) && !name.endsWith(".squashfs"));
    if (found.length === 1) return found[0]!;
    throw ambiguous(
      found.length === 0
        ? `The directory ${directory} holds a squashfs, but nothing that is called like ${what}.`
        : `The directory ${directory} holds several files that are called like ${what}: ${found.join(", ")}.`,
    );
  };
  return { kernel: one("a kernel", kernelName), initrd: one("an initrd", initrdName) };
}

async function fileNamesIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).sort();
  const isFile = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        (it) => it.isFile(),
        () => false,
      ),
    ),
  );
  return names.filter((name, index) => isFile[index] && !name.startsWith("."));
}

function ambiguous(message: string): NetbootError {
  return new NetbootError(
    "RELEASE_INVALID",
    message,
    "Call them NAME-kernel, NAME-initrd and NAME.squashfs, or name the three with --kernel, --initrd and --squashfs.",
  );
}
