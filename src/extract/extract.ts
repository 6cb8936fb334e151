import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  checksumsName,
  type Description,
  describeFile,
  descriptionName,
  fileNames,
  filesOf,
  formatChecksums,
  formatDescription,
  isIntact,
  readDescription,
  Staging,
  sha256OfText,
} from "../artifacts/index.js";
import { keepRule } from "../kairos/index.js";
import { Flattening } from "../layers/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { type ImageSource, openSource } from "../sources/index.js";
import { probeMksquashfs } from "../squashfs/index.js";
import { diskFull, interrupted, NetbootError, programVersion } from "../support/index.js";
import { describe, optionsOf } from "./describe.js";
import { createdTime, fetchLayers } from "./image-layers.js";
import { type CheckedOptions, checkOptions, type ExtractOptions } from "./options.js";
import { buildRootFilesystem, type RootFilesystem } from "./root-filesystem.js";

export interface ResultPaths {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
  readonly description: string;
  readonly checksums: string;
}

export interface ExtractResult {
  /** The output directory, as it was given. */
  readonly directory: string;
  /** What its `netboot.json` says. */
  readonly description: Description;
  /** The files in it, with the directory before their names. */
  readonly paths: ResultPaths;
  /** True where the files were there already and nothing was done. */
  readonly isUnchanged: boolean;
}

/**
 * Makes a directory of netboot files from a container image: kernel, initrd, squashfs,
 * `netboot.json` and `SHA256SUMS`. The directory is there whole, or it stays as it was.
 * @throws NetbootError with one of its codes; INTERRUPTED once the signal is aborted
 */
export async function extract(options: ExtractOptions): Promise<ExtractResult> {
  const checked = checkOptions(options);
  if (options.signal?.aborted) throw interrupted();
  let isRepaired = false;
  for (let again = 0; ; again++) {
    try {
      return await attempt(checked, options.signal);
    } catch (error) {
      const isLast = again === MOST_REPETITIONS || (isRepaired && !isMirrors(error));
      if (isLast || !isWorthAnotherAttempt(error)) throw wrongTwice(error, isRepaired) ?? error;
      isRepaired ||= !isMirrors(error);
      const text = `${error.message} It is fetched again.`;
      checked.emit({ type: "message", level: "warning", text });
    }
  }
}

/** Once for the cache, and for as many mirrors as somebody may have. */
const MOST_REPETITIONS = 5;

function isWorthAnotherAttempt(error: unknown): error is NetbootError {
  return isMirrors(error) || (error instanceof NetbootError && error.code === "CACHE_DAMAGED");
}

/** A mirror that sent wrong bytes, and is asked no more. */
function isMirrors(error: unknown): boolean {
  return error instanceof NetbootError && error.code === "MIRROR_DAMAGED";
}

/** What came wrong, came wrong again, and no third time would help. */
function wrongTwice(error: unknown, isRepaired: boolean): NetbootError | undefined {
  const cause = isRepaired && error instanceof NetbootError ? error.cause : undefined;
  return cause instanceof NetbootError && cause.code === "BLOB_MISMATCH" ? cause : undefined;
}

/** Leaves nothing behind but its result and what is cached. */
async function attempt(
  checked: CheckedOptions,
  signal: AbortSignal | undefined,
): Promise<ExtractResult> {
  const staging = await Staging.create(checked.output);
  // Ends whatever is still under way: when one part fails, and when the caller wants it.
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  const source = openImageSource(checked, staging, controller.signal);
  try {
    return await extractFrom(source, staging, checked, controller.signal);
  } catch (error) {
    if (signal?.aborted) throw interrupted();
    const damage = isDamage(error) ? await source.dropDamaged() : undefined;
    if (damage !== undefined) throw caused(damage, error);
    throw diskFull(error, `the place of ${checked.output}`);
  } finally {
    stop();
    signal?.removeEventListener("abort", stop);
    await source.close();
    await staging.discard();
  }
}

/** True for an error that a blob with other bytes than its digest's could have caused. */
function isDamage(error: unknown): boolean {
  const codes = ["LAYER_DAMAGED", "LAYER_MISMATCH", "BLOB_MISMATCH"];
  return error instanceof NetbootError && codes.includes(error.code);
}

function caused({ code, message, hint }: NetbootError, cause: unknown): NetbootError {
  return new NetbootError(code, message, hint, { cause });
}

async function extractFrom(
  source: ImageSource,
  staging: Staging,
  options: CheckedOptions,
  signal: AbortSignal,
): Promise<ExtractResult> {
  const version = await probeMksquashfs();
  const image = await source.resolve(options.platform);
  const earlier = options.force ? undefined : await reusable(image, options);
  if (earlier !== undefined) {
    return resultOf(options.output, earlier, true);
  }
  announce(source, image, options);
  await source.reserve(image.manifest.layers);
  const flattening = new Flattening({
    layers: fetchLayers(image, source),
    keep: keepRule(options),
    scratch: staging.scratch,
    signal,
    onProgress: (written, total, isEstimate) =>
      options.emit({ type: "squashfs", written, total, isEstimate }),
    onWarning: (text) => options.emit({ type: "message", level: "warning", text }),
  });
  const path = join(staging.scratch, "root.squashfs");
  const root = await buildRootFilesystem({
    flattening,
    version,
    created: createdTime(image.config) ?? 0,
    architecture: image.platform.architecture,
    options,
    path,
    signal,
  });
  const description = await writeArtifacts({ staging, flattening, source, image, root, options });
  signal.throwIfAborted();
  await staging.publish();
  return resultOf(options.output, description, false);
}

function resultOf(
  directory: string,
  description: Description,
  isUnchanged: boolean,
): ExtractResult {
  const { kernel, initrd, squashfs } = description.files;
  const paths = {
    kernel: join(directory, kernel.name),
    initrd: join(directory, initrd.name),
    squashfs: join(directory, squashfs.name),
    description: join(directory, descriptionName),
    checksums: join(directory, checksumsName),
  };
  return { directory, description, paths, isUnchanged };
}

function openImageSource(
  options: CheckedOptions,
  staging: Staging,
  signal: AbortSignal,
): ImageSource {
  return openSource(options.image, {
    cacheDirectory: options.cacheDirectory ?? join(staging.scratch, "cache"),
    concurrency: options.downloads,
    userAgent: `kairos-netboot/${programVersion()}`,
    signal,
    onProgress: ({ digest, size }, present, isCached) =>
      options.emit({ type: "layer", digest, present, size, isCached }),
    onWarning: (text) => options.emit({ type: "message", level: "warning", text }),
    onDetail: (text) => options.emit({ type: "message", level: "detail", text }),
    registry: options.registry,
    onNotice: (text) => options.emit({ type: "message", level: "info", text }),
    retry: { total: options.retryFor },
  });
}

/** What the output directory holds already, if that is just what would be made now. */
async function reusable(
  image: ResolvedImage,
  options: CheckedOptions,
): Promise<Description | undefined> {
  const earlier = await readDescription(options.output);
  const isSame =
    earlier !== undefined &&
    earlier.source.manifestDigest === image.digest &&
    earlier.source.platform === formatPlatform(image.platform) &&
    isDeepStrictEqual(earlier.options, optionsOf(options)) &&
    earlier.program.version === programVersion();
  return isSame && (await isIntact(options.output, earlier)) ? earlier : undefined;
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

interface ArtifactsInput {
  readonly staging: Staging;
  readonly flattening: Flattening;
  readonly source: ImageSource;
  readonly image: ResolvedImage;
  readonly root: RootFilesystem;
  readonly options: CheckedOptions;
}

/** Completes the staged directory: everything but the squashfs itself is written here. */
async function writeArtifacts(input: ArtifactsInput): Promise<Description> {
  const { staging, flattening, source, image, root, options } = input;
  const { directory, scratch } = staging;
  const { kernel, initrd } = root.facts;
  const names = fileNames(root.name);
  await flattening.putAt(kernel.file.inode, join(directory, names.kernel));
  await flattening.putAt(initrd.file.inode, join(directory, names.initrd));
  await rename(join(scratch, "root.squashfs"), join(directory, names.squashfs));

  const files = {
    kernel: await describeFile(directory, names.kernel),
    initrd: await describeFile(directory, names.initrd),
    squashfs: await describeFile(directory, names.squashfs),
  };
  const description = describe(files, { reference: source.reference, image }, root, options);
  const json = formatDescription(description);
  await writeFile(join(directory, descriptionName), json);
  const sums = [...filesOf(description), { name: descriptionName, sha256: sha256OfText(json) }];
  await writeFile(join(directory, checksumsName), formatChecksums(sums));
  return description;
}
