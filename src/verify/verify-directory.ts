import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  describedFiles,
  filesOf,
  findUndescribedReleases,
  type NetbootJson,
  netbootJsonName,
  parseNetbootJson,
  type ReleaseFiles,
} from "../artifacts/index.js";
import { readPublicKey } from "../signatures/index.js";
import type { RegistryAccess } from "../sources/index.js";
import { interrupted, NetbootError, tryReadSmallFile } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";
import { checkInitrd, checkKernel } from "./check-files.js";
import { checkModules } from "./check-modules.js";
import { checkProvenance } from "./check-provenance.js";
import { checkScript } from "./check-script.js";
import { checkSignature } from "./check-signature.js";
import { checkSource } from "./check-source.js";
import { checkSquashfsFile } from "./check-squashfs.js";
import { checkSums } from "./check-sums.js";

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
  const json = await tryReadSmallFile(join(directory, netbootJsonName));
  const description = json && parseNetbootJson(json.toString("utf8"));
  const releases = await findReleases(directory, description);
  yield await describeDescription(directory, description !== undefined);
  const signature = await checkSignature(directory, key);
  if (signature !== undefined) yield signature;
  yield* checkSums(directory, description, neededNames(releases, description), signal);
  const provenance = await checkProvenance(directory, description);
  if (provenance !== undefined) yield provenance;
  for (const release of releases) yield* checkRelease(directory, release, description, signal);
  if (options.source) yield await checkSource(description, options.registry, signal);
}

/**
 * The release that netboot.json describes, otherwise those that file names tell. A file that is
 * missing is a failed check later on.
 * @throws NetbootError RELEASE_INVALID if there are none
 */
async function findReleases(
  directory: string,
  netbootJson: NetbootJson | undefined,
): Promise<ReleaseFiles[]> {
  if (netbootJson !== undefined) return [describedFiles(netbootJson)];
  const releases = await findUndescribedReleases(directory);
  if (releases.length > 0) return releases.map(({ files }) => files);
  throw new NetbootError(
    "RELEASE_INVALID",
    `The directory ${directory} contains no release: neither ${netbootJsonName} nor a kernel, an initrd, and a squashfs.`,
    `Make one: kairos-netboot extract IMAGE -o ${directory}`,
  );
}

/** Names that SHA256SUMS has to list. */
function neededNames(
  releases: readonly ReleaseFiles[],
  description: NetbootJson | undefined,
): Set<string> {
  const names = releases.flatMap(({ kernel, initrd, squashfs, script }) => {
    return script === undefined ? [kernel, initrd, squashfs] : [kernel, initrd, squashfs, script];
  });
  const described = description === undefined ? [] : filesOf(description).map(({ name }) => name);
  return new Set([...names, ...(description === undefined ? [] : [netbootJsonName]), ...described]);
}

async function* checkRelease(
  directory: string,
  files: ReleaseFiles,
  description: NetbootJson | undefined,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const kernel = await checkKernel(directory, files.kernel, description);
  yield kernel.check;
  const initrd = await checkInitrd(directory, files.initrd, signal);
  yield initrd.check;
  const squashfs = await checkSquashfsFile(directory, files.squashfs, description, signal);
  yield squashfs.check;
  const versions = {
    kernel: kernel.version,
    modules: [
      [files.initrd, initrd.versions],
      [files.squashfs, squashfs.versions],
    ],
  } as const;
  yield* checkModules(versions, description);
  yield* checkScript(directory, files.script);
}

async function describeDescription(directory: string, isValid: boolean): Promise<Check> {
  if (isValid) return ok("description", `${netbootJsonName} is a description of version 1`);
  const isThere = await stat(join(directory, netbootJsonName)).then(
    () => true,
    () => false,
  );
  if (isThere) return failed("description", `${netbootJsonName} is no description that is known`);
  return unchecked("description", `there is no ${netbootJsonName}`);
}
