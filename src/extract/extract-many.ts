import { join } from "node:path";
import { checkReleaseUrl, SharedScratch } from "../artifacts/index.js";
import { checkReference, type RegistryAccess, repositoryOf } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { type ExtractResult, extract } from "./extract.js";
import type { ExtractEvent } from "./extract-event.js";
import type { ExtractOptions } from "./extract-options.js";

export interface ExtractManyOptions extends Omit<ExtractOptions, "image" | "name" | "onEvent"> {
  /** Each becomes a directory of its own in `output`. */
  images: readonly string[];
  /** Told of what happens with an image, from its beginning. */
  observe?: ((image: string) => (event: ExtractEvent) => void) | undefined;
  /** An image is done, one way or the other. */
  onOutcome?: ((outcome: ImageOutcome) => void) | undefined;
}

/** What became of an image. */
export type ImageOutcome = {
  readonly image: string;
  /** Where its files are, or would be. */
  readonly directory: string;
  readonly seconds: number;
} & ({ readonly result: ExtractResult } | { readonly error: NetbootError });

/**
 * Extracts one image after the other, each with all processors; layers that several have are fetched
 * once. One that fails keeps none of the others from being made.
 * @throws NetbootError for what is wrong for all of them, before or at the first
 */
export async function extractMany(options: ExtractManyOptions): Promise<ImageOutcome[]> {
  const { images, observe, onOutcome, output, cache, ...same } = options;
  const places = directoriesFor(images);
  const url = same.url === undefined ? undefined : checkReleaseUrl(same.url);
  requireOneRegistry(images, same.registry);
  const outcomes: ImageOutcome[] = [];
  const scratch = cache === false ? await SharedScratch.create(output) : undefined;
  const cacheDir = scratch === undefined ? same.cacheDir : scratch.directory;
  try {
    for (const [image, name] of places) {
      await scratch?.touch();
      const start = performance.now();
      const directory = join(output, name);
      const ended = await attempt({
        ...{ ...same, image, cacheDir, output: directory },
        url: url === undefined ? undefined : `${url}/${name}`,
        onEvent: observe?.(image),
      });
      const seconds = (performance.now() - start) / 1000;
      const outcome = { image, directory, seconds, ...ended };
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  } finally {
    await scratch?.remove();
  }
  return outcomes;
}

/**
 * A password or a client certificate that is given is for one registry, and is shown to no other.
 * @throws NetbootError USAGE_INVALID
 */
function requireOneRegistry(images: readonly string[], access: RegistryAccess = {}): void {
  const [flag] = [
    access.username === undefined ? undefined : "--username",
    access.tlsCert === undefined ? undefined : "--tls-cert",
  ].filter((given) => given !== undefined);
  const registries = new Set(
    images.map((image) => repositoryOf(image)?.registry).filter((it) => it !== undefined),
  );
  if (flag === undefined || registries.size < 2) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `${flag} is for one registry, and these images are from several: ${[...registries].join(", ")}.`,
    "Give credentials for each with --authfile, certificates in certs.d.",
  );
}

async function attempt(
  options: ExtractOptions,
): Promise<{ result: ExtractResult } | { error: NetbootError }> {
  try {
    return { result: await extract(options) };
  } catch (error) {
    if (error instanceof NetbootError && !isForAll(error)) return { error };
    throw error;
  }
}

/** Codes of what would end the others, too. */
const forAll = ["MKSQUASHFS_MISSING", "MKSQUASHFS_TOO_OLD", "PROGRAM_MISSING", "DISK_FULL"];

/** Wrong options, missing programs and Ctrl-C end it all: no other image would fare better. */
function isForAll({ code, exitStatus }: NetbootError): boolean {
  return [2, 130].includes(exitStatus) || [...forAll, "INTERNAL"].includes(code);
}

/**
 * The name of each image's directory, made of its reference.
 * @throws NetbootError REFERENCE_INVALID, USAGE_INVALID where two images would have the same
 */
function directoriesFor(images: readonly string[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const image of images) {
    checkReference(image);
    const name = directoryFor(image);
    const other = [...places].find(([known, place]) => place === name && known !== image);
    if (other !== undefined) {
      throw new NetbootError(
        "USAGE_INVALID",
        `${other[0]} and ${image} would have the same directory ${name}.`,
        "Extract one of them by itself.",
      );
    }
    places.set(image, name);
  }
  return places;
}

/** Of a digest twelve digits are enough to tell it from others. */
function directoryFor(image: string): string {
  if (image === "-") return "standard-input";
  return image
    .replace(/^docker:\/\//, "")
    .replace(/@sha256:([0-9a-f]{12})[0-9a-f]{52}$/, "-$1")
    .replace(/[^A-Za-z0-9._+-]+/g, "-")
    .slice(-200)
    .replace(/^[-.]+|-+$/g, "");
}
