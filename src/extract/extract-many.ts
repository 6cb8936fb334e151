import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkReference } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { type ExtractResult, extract } from "./extract.js";
import type { ExtractEvent, ExtractOptions } from "./options.js";

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
  const outcomes: ImageOutcome[] = [];
  const ownCache = cache === false ? await cacheFor(output) : undefined;
  const shared = ownCache === undefined ? same : { ...same, cacheDirectory: ownCache };
  try {
    for (const [image, name] of places) {
      const start = performance.now();
      const directory = join(output, name);
      const ended = await attempt({
        ...shared,
        image,
        output: directory,
        onEvent: observe?.(image),
      });
      const seconds = (performance.now() - start) / 1000;
      const outcome = { image, directory, seconds, ...ended };
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  } finally {
    if (ownCache !== undefined) await rm(ownCache, { recursive: true, force: true });
  }
  return outcomes;
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

/** Wrong options, missing programs and Ctrl-C end it all: no other image would fare better. */
function isForAll({ code, exitStatus }: NetbootError): boolean {
  return [2, 5, 130].includes(exitStatus) || code === "DISK_FULL" || code === "INTERNAL";
}

/** Where layers are kept until all images are done. */
async function cacheFor(output: string): Promise<string> {
  await mkdir(output, { recursive: true });
  return mkdtemp(join(output, ".kairos-netboot-cache-"));
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
  return image
    .replace(/^docker:\/\//, "")
    .replace(/@sha256:([0-9a-f]{12})[0-9a-f]{52}$/, "-$1")
    .replace(/[^A-Za-z0-9._+-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "")
    .slice(-200);
}
