import { stat } from "node:fs/promises";
import { join } from "node:path";
import { descriptionName, filesOf, readDescription } from "../artifacts/index.js";
import { readPublicKey } from "../signatures/index.js";
import { interrupted } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";
import { checkInitrd, checkKernel } from "./files.js";
import { checkModules } from "./modules.js";
import { checkProvenance } from "./provenance.js";
import { findRelease } from "./release-files.js";
import { checkScript } from "./script.js";
import { checkSignature } from "./signature.js";
import { checkSource } from "./source.js";
import { checkSquashfsFile } from "./squashfs-file.js";
import { checkSums } from "./sums.js";

export interface VerifyOptions {
  /** What `extract` made, or another directory with kernel, initrd and squashfs. */
  readonly directory: string;
  /** A public key in PEM that `SHA256SUMS` has to be signed with. */
  readonly key?: string | undefined;
  /** Ask where the image came from whether it is still the same. */
  readonly source?: boolean | undefined;
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
  const description = await readDescription(directory);
  const files = await findRelease(directory, description);
  yield await describeDescription(directory, description !== undefined);
  const signature = await checkSignature(directory, key);
  if (signature !== undefined) yield signature;
  const { kernel: kernelName, initrd: initrdName, squashfs: squashfsName, script } = files;
  const needed = new Set([kernelName, initrdName, squashfsName]);
  if (script !== undefined) needed.add(script);
  if (description !== undefined) {
    needed.add(descriptionName);
    for (const { name } of filesOf(description)) needed.add(name);
  }
  yield* checkSums(directory, description, needed);
  const provenance = await checkProvenance(directory, description);
  if (provenance !== undefined) yield provenance;
  const kernel = await checkKernel(files, description);
  yield kernel.check;
  const initrd = await checkInitrd(files, signal);
  yield initrd.check;
  const squashfs = await checkSquashfsFile(files, description, signal);
  yield squashfs.check;
  const found = { kernel: kernel.version, initrd: initrd.versions, squashfs: squashfs.versions };
  yield* checkModules(found, description);
  yield* checkScript(files);
  if (options.source) yield await checkSource(description, signal);
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
