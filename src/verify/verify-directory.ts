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
import { checkNetboot } from "./check-netboot.js";
import { checkProvenance } from "./check-provenance.js";
import { checkScript } from "./check-script.js";
import { checkSignature } from "./check-signature.js";
import { checkSource } from "./check-source.js";
import { checkSquashfsFile } from "./check-squashfs.js";
import { checkSums } from "./check-sums.js";

export interface VerifyOptions {
  /** A directory that `extract` made, or another one with a kernel, an initrd, and a squashfs. */
  readonly directory: string;
  /** Public key in PEM that has to verify the signature of `SHA256SUMS`. */
  readonly key?: string | undefined;
  /** Also check that the image's reference still resolves to the same image. */
  readonly source?: boolean | undefined;
  /** How to reach registries, as for `extract`. */
  readonly registry?: RegistryAccess | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks everything that can be checked in a directory of netboot files, and yields each result as soon
 * as it is known. A failed check does not end the others.
 * @throws NetbootError RELEASE_INVALID if there is nothing to check, KEY_INVALID, INTERRUPTED
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
  const netbootJson = json && parseNetbootJson(json.toString("utf8"));
  const releases = await findReleases(directory, netbootJson);
  yield await checkDescription(directory, netbootJson !== undefined);
  const signature = await checkSignature(directory, key);
  if (signature !== undefined) yield signature;
  yield* checkSums(directory, netbootJson, neededNames(releases, netbootJson), signal);
  const provenance = await checkProvenance(directory, netbootJson);
  if (provenance !== undefined) yield provenance;
  for (const release of releases) yield* checkRelease(directory, release, netbootJson, signal);
  if (options.source) yield await checkSource(netbootJson, options.registry, signal);
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
  netbootJson: NetbootJson | undefined,
): Set<string> {
  const names = releases.flatMap(({ kernel, initrd, squashfs, script }) => {
    return script === undefined ? [kernel, initrd, squashfs] : [kernel, initrd, squashfs, script];
  });
  const described = netbootJson === undefined ? [] : filesOf(netbootJson).map(({ name }) => name);
  return new Set([...names, ...(netbootJson === undefined ? [] : [netbootJsonName]), ...described]);
}

async function* checkRelease(
  directory: string,
  files: ReleaseFiles,
  netbootJson: NetbootJson | undefined,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const kernel = await checkKernel(directory, files.kernel, netbootJson);
  yield kernel.check;
  const initrd = await checkInitrd(directory, files.initrd, signal);
  yield initrd.check;
  const squashfs = await checkSquashfsFile(directory, files.squashfs, netbootJson, signal);
  yield squashfs.check;
  const versions = {
    kernel: kernel.version,
    modules: [
      [files.initrd, initrd.versions],
      [files.squashfs, squashfs.versions],
    ],
  } as const;
  yield* checkModules(versions, netbootJson);
  if (initrd.features !== undefined) {
    const version = kernel.version ?? netbootJson?.kernel.version ?? undefined;
    yield await checkNetboot({
      initrd: files.initrd,
      features: initrd.features,
      squashfs: join(directory, files.squashfs),
      versions: version === undefined ? [...(squashfs.versions ?? [])] : [version],
      signal,
    });
  }
  yield* checkScript(directory, files.script);
}

async function checkDescription(directory: string, isValid: boolean): Promise<Check> {
  if (isValid) return ok("description", `${netbootJsonName} has version 1 of its schema`);
  const isThere = await stat(join(directory, netbootJsonName)).then(
    () => true,
    () => false,
  );
  if (isThere)
    return failed("description", `${netbootJsonName} is not a netboot.json of a known version`);
  return unchecked("description", `there is no ${netbootJsonName}`);
}
