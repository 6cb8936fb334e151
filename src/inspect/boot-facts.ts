import { checkAssumedPlatform } from "../extract/index.js";
import {
  artifactName,
  findBootFiles,
  findProgram,
  type ImageTree,
  type Initrd,
  type KairosRelease,
  type Kernel,
  readKairosRelease,
} from "../kairos/index.js";
import type { Inode } from "../layers/index.js";
import type { Platform } from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";

/** The properties of an image that `extract` needs, and reasons why it would reject the image. */
export interface BootFacts {
  readonly release: KairosRelease;
  /** Common part of the file names; undefined if the image does not say enough. */
  readonly name: string | undefined;
  /** Undefined if there is nothing to boot. */
  readonly files: { readonly kernel: Kernel; readonly initrd: Initrd } | undefined;
  readonly problems: readonly NetbootError[];
  /** What `extract` would warn about. */
  readonly warnings: readonly string[];
}

/**
 * Finds what `extract` would find, and collects the errors instead of stopping at the first.
 * @param assumed the platform, if the image does not say it
 */
export async function readBootFacts(
  tree: ImageTree,
  read: (inode: Inode) => Promise<Buffer>,
  assumed: Platform | undefined,
): Promise<BootFacts> {
  const problems: NetbootError[] = [];
  const release = await readKairosRelease(tree, read);
  const files = attempt(problems, () => findBootFiles(tree, release, {}));
  const name = attempt(problems, () => artifactName(release));
  const program = assumed && (await findProgram(tree, read));
  const warning = assumed && attempt(problems, () => checkAssumedPlatform(assumed, program));
  return { release, name, files, problems, warnings: warning === undefined ? [] : [warning] };
}

function attempt<Result>(problems: NetbootError[], action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof NetbootError)) throw error;
    problems.push(error);
    return undefined;
  }
}
