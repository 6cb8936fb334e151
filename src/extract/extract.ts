import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  checksumsName,
  checksumsSignatureName,
  isIntact,
  netbootJsonName,
  provenanceName,
  readWrittenNetbootJson,
  Staging,
  type WrittenNetbootJson,
} from "../artifacts/index.js";
import { checkLayerFormats, TopDownPass } from "../layers/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { findDamage, type ImageSource, openSource, retryDamaged } from "../sources/index.js";
import { probeMksquashfs, squashfsLimits } from "../squashfs/index.js";
import { diskFull, interrupted, programVersion } from "../support/index.js";
import { squashfsScratchPath } from "./artifact-table.js";
import { captureRuleFor } from "./capture-rule.js";
import { type CheckedOptions, checkOptions, recordOptions } from "./check-options.js";
import type { ExtractOptions } from "./extract-options.js";
import { createdTime, fetchLayers } from "./image-layers.js";
import { InitrdCheck } from "./initrd-check.js";
import { buildRootFilesystem } from "./root-filesystem.js";
import { isSigned, type Keys, readKeys, signatureCheck } from "./signing-keys.js";
import { writeArtifacts } from "./write-artifacts.js";

/** Paths by kind of file: those of `files` in `netboot.json`, and the files beside them. */
export type ResultPaths = FilePaths & {
  readonly description: string;
  readonly provenance: string;
  readonly checksums: string;
  /** Signature of the checksums, if a key was given. */
  readonly signature?: string;
};

type FilePaths = { readonly [Kind in keyof WrittenNetbootJson["files"]]: string };

export interface ExtractResult {
  /** The output directory, as it was given. */
  readonly directory: string;
  /** The contents of its `netboot.json`. */
  readonly description: WrittenNetbootJson;
  /** Paths of the files in it, which begin with `directory`. */
  readonly paths: ResultPaths;
  /** True if the files existed already, and nothing was done. */
  readonly isUnchanged: boolean;
}

/**
 * Makes a directory of netboot files from a container image: kernel, initrd, squashfs, iPXE script,
 * `netboot.json`, `provenance.json`, and `SHA256SUMS`. On an error, the directory stays as it was.
 * @throws NetbootError with any code; INTERRUPTED if the signal is aborted
 */
export async function extract(options: ExtractOptions): Promise<ExtractResult> {
  const checked = await checkOptions(options);
  if (options.signal?.aborted) throw interrupted();
  const keys = await readKeys(checked, options.signal);
  return retryDamaged(
    () => attempt(checked, keys, options.signal),
    (text) => checked.emit({ type: "message", level: "warning", text }),
  );
}

/** Leaves nothing behind but the result and the cache. */
async function attempt(
  checked: CheckedOptions,
  keys: Keys,
  signal: AbortSignal | undefined,
): Promise<ExtractResult> {
  const staging = await Staging.create(checked.output);
  // Stops all parts of the work when one of them fails, or when the caller aborts.
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  const source = openImageSource(checked, staging, controller.signal);
  try {
    return await extractFrom(source, staging, { options: checked, keys }, controller.signal);
  } catch (error) {
    if (signal?.aborted) throw interrupted();
    throw (await findDamage(error, source)) ?? diskFull(error, `the place of ${checked.output}`);
  } finally {
    stop();
    signal?.removeEventListener("abort", stop);
    await source.close();
    await staging.discard();
  }
}

async function extractFrom(
  source: ImageSource,
  staging: Staging,
  { options, keys }: { options: CheckedOptions; keys: Keys },
  signal: AbortSignal,
): Promise<ExtractResult> {
  const [version, image] = await Promise.all([
    probeMksquashfs(),
    source.resolve(options.platform, signatureCheck(source, keys, options)),
  ]);
  const earlier = options.force ? undefined : await findReusable(image, options, keys, signal);
  if (earlier !== undefined) {
    return resultOf(options, earlier, true);
  }
  announce(source, image, options);
  checkLayerFormats(image.manifest.layers);
  await source.reserve(image.manifest.layers);
  const initrdCheck = new InitrdCheck(signal);
  const pass = new TopDownPass({
    layers: fetchLayers(image, source),
    capture: captureRuleFor(options),
    onCaptured: initrdCheck.readAhead,
    scratch: staging.scratch,
    limits: squashfsLimits,
    signal,
    onProgress: (written, total, isEstimate) =>
      options.emit({ type: "squashfs", written, total, isEstimate }),
    onWarning: (text) => options.emit({ type: "message", level: "warning", text }),
  });
  const path = squashfsScratchPath(staging);
  const root = await buildRootFilesystem({
    pass,
    initrdCheck,
    version,
    created: createdTime(image.config) ?? 0,
    platform: image.platform,
    isArchitectureAssumed: image.isArchitectureAssumed,
    options,
    path,
    signal,
  });
  const input = { staging, source, image, root, options, signal };
  const description = await writeArtifacts(input, keys);
  signal.throwIfAborted();
  await staging.publish();
  return resultOf(options, description, false);
}

function resultOf(
  { output: directory, signKey }: CheckedOptions,
  description: WrittenNetbootJson,
  isUnchanged: boolean,
): ExtractResult {
  const at = (name: string) => join(directory, name);
  const files = Object.entries(description.files).map(([kind, { name }]) => [kind, at(name)]);
  const paths = {
    ...(Object.fromEntries(files) as FilePaths),
    description: at(netbootJsonName),
    provenance: at(provenanceName),
    checksums: at(checksumsName),
    ...(signKey === undefined ? {} : { signature: at(checksumsSignatureName) }),
  };
  return { directory, description, paths, isUnchanged };
}

function openImageSource(
  options: CheckedOptions,
  staging: Staging,
  signal: AbortSignal,
): ImageSource {
  return openSource(options.image, {
    cacheDirectory: options.cache ? options.cacheDir : join(staging.scratch, "cache"),
    scratchDirectory: join(staging.scratch, "source"),
    concurrency: options.jobs.downloads,
    userAgent: `kairos-netboot/${programVersion()}`,
    signal,
    onProgress: ({ digest, size }, present, isCached) =>
      options.emit({ type: "layer", digest, present, size, isCached }),
    onWarning: (text) => options.emit({ type: "message", level: "warning", text }),
    onDetail: (text) => options.emit({ type: "message", level: "detail", text }),
    registry: options.registry,
    onNotice: (text) => options.emit({ type: "message", level: "info", text }),
    retry: { totalMs: options.retryTimeout },
  });
}

/** The earlier output, if it is exactly what this run would make. */
async function findReusable(
  image: ResolvedImage,
  options: CheckedOptions,
  keys: Keys,
  signal: AbortSignal,
): Promise<WrittenNetbootJson | undefined> {
  const earlier = await readWrittenNetbootJson(options.output);
  const isSame =
    earlier !== undefined &&
    earlier.source.manifestDigest === image.digest &&
    earlier.source.platform === formatPlatform(image.platform) &&
    isDeepStrictEqual(earlier.options, recordOptions(options)) &&
    earlier.program.version === programVersion();
  if (!isSame || !(await isIntact(options.output, earlier, signal))) return undefined;
  return (await isSigned(options.output, keys)) ? earlier : undefined;
}

function announce(source: ImageSource, image: ResolvedImage, options: CheckedOptions): void {
  options.emit({
    type: "image",
    reference: source.reference,
    digest: image.digest,
    platform: formatPlatform(image.platform),
    layers: image.manifest.layers.map(({ digest, size }) => ({ digest, size })),
  });
}
