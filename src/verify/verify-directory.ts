import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type Description,
  descriptionName,
  filesOf,
  parseDescription,
} from "../artifacts/index.js";
import { readPublicKey } from "../signatures/index.js";
import type { RegistryAccess } from "../sources/index.js";
import { interrupted, tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";
import { checkInitrd, checkKernel } from "./check-files.js";
import { checkModules } from "./check-modules.js";
import { checkProvenance } from "./check-provenance.js";
import { checkScript } from "./check-script.js";
import { checkSignature } from "./check-signature.js";
import { checkSource } from "./check-source.js";
import { checkSquashfsFile } from "./check-squashfs.js";
import { checkSums } from "./check-sums.js";
import { type ReleaseFiles, releasesIn } from "./release-files.js";

export interface VerifyOptions {
  /** What `extract` made, or another directory with kernel, initrd and squashfs. */
  readonly directory: string;
  /** A public key in PEM that `SHA256SUMS` has to be signed with. */
  readonly key?: string | undefined;
  /** Ask where the image came from whether it is still the same. */
  readonly source?: boolean | undefined;
  /** How registries are reached, as for `extract`. */
  readonly registry?: RegistryAccess | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at everything in a directory of netboot files that can be checked.
 * @throws NetbootError RELEASE_INVALID where there is nothing to check, KEY_INVALID
 */
export async function* verifyDirectory(options: VerifyOptions): AsyncGenerator<Check> {
  const { signal = new AbortController().signal } = options;
  try {
    for await (const check of checks(options, signal)) {
      yield check;
      signal.throwIfAborted();
    }
  } catch (error) {
    throw signal.aborted ? interrupted() : error;
  }
}

async function* checks(options: VerifyOptions, signal: AbortSignal): AsyncGenerator<Check> {
  const { directory } = options;
  const key = options.key === undefined ? undefined : await readPublicKey(options.key);
  const json = await tryReadSmallFile(join(directory, descriptionName));
  const description = json && parseDescription(json.toString("utf8"));
  const releases = await releasesIn(directory, description);
  yield await describeDescription(directory, description !== undefined);
  const signature = await checkSignature(directory, key);
  if (signature !== undefined) yield signature;
  yield* checkSums(directory, description, neededNames(releases, description), signal);
  const provenance = await checkProvenance(directory, description);
  if (provenance !== undefined) yield provenance;
  for (const release of releases) yield* checkRelease(release, description, signal);
  if (options.source) yield await checkSource(description, options.registry, signal);
}

/** What has to be in the sums. */
function neededNames(
  releases: readonly ReleaseFiles[],
  description: Description | undefined,
): Set<string> {
  const names = releases.flatMap(({ kernel, initrd, squashfs, script }) => {
    return script === undefined ? [kernel, initrd, squashfs] : [kernel, initrd, squashfs, script];
  });
  const described = description === undefined ? [] : filesOf(description).map(({ name }) => name);
  return new Set([...names, ...(description === undefined ? [] : [descriptionName]), ...described]);
}

async function* checkRelease(
  files: ReleaseFiles,
  description: Description | undefined,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const kernel = await checkKernel(files, description);
  yield kernel.check;
  const initrd = await checkInitrd(files, signal);
  yield initrd.check;
  const squashfs = await checkSquashfsFile(files, description, signal);
  yield squashfs.check;
  const versions = {
    kernel: kernel.version,
    modules: [
      [files.initrd, initrd.versions],
      [files.squashfs, squashfs.versions],
    ],
  } as const;
  yield* checkModules(versions, description);
  yield* checkScript(files);
}

async function describeDescription(directory: string, isValid: boolean): Promise<Check> {
  if (isValid) return ok("description", `${descriptionName} is a description of version 1`);
  const isThere = await stat(join(directory, descriptionName)).then(
    () => true,
    () => false,
  );
  if (isThere) return failed("description", `${descriptionName} is no description that is known`);
  return unchecked("description", `there is no ${descriptionName}`);
}
