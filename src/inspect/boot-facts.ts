import { checkAssumedPlatform } from "../extract/index.js";
import {
  artifactName,
  findBootFiles,
  findProgram,
  type ImageContents,
  type ImageTree,
  type Initrd,
  type KairosRelease,
  type Kernel,
  readKairosRelease,
} from "../kairos/index.js";
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
  contents: ImageContents,
  assumed: Platform | undefined,
): Promise<BootFacts> {
  const problems: NetbootError[] = [];
  const release = await readKairosRelease(tree, contents);
  const files = await attempt(problems, () => findBootFiles(tree, contents, release, {}));
  const name = await attempt(problems, () => artifactName(release));
  const program = assumed && (await findProgram(tree, contents));
  const warning =
    assumed && (await attempt(problems, () => checkAssumedPlatform(assumed, program)));
  return { release, name, files, problems, warnings: warning === undefined ? [] : [warning] };
}

async function attempt<Result>(
  problems: NetbootError[],
  action: () => Result | Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof NetbootError)) throw error;
    problems.push(error);
    return undefined;
  }
}
