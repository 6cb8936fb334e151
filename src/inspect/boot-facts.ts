import {
  artifactName,
  findBootFiles,
  type ImageContents,
  type ImageTree,
  type Initrd,
  type KairosRelease,
  type Kernel,
  readKairosRelease,
} from "../kairos/index.js";
import { NetbootError } from "../support/index.js";

/** The properties of an image that `extract` needs, and reasons why it would reject the image. */
export interface BootFacts {
  readonly release: KairosRelease;
  /** Common part of the file names; undefined if the image does not say enough. */
  readonly name: string | undefined;
  /** Undefined if there is nothing to boot. */
  readonly files: { readonly kernel: Kernel; readonly initrd: Initrd } | undefined;
  readonly problems: readonly NetbootError[];
}

/** Finds what `extract` would find, and collects the errors instead of stopping at the first. */
export async function readBootFacts(tree: ImageTree, contents: ImageContents): Promise<BootFacts> {
  const problems: NetbootError[] = [];
  const release = await readKairosRelease(tree, contents);
  const files = await attempt(problems, () => findBootFiles(tree, contents, release, {}));
  const name = await attempt(problems, () => artifactName(release));
  return { release, name, files, problems };
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
