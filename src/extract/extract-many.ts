import { join } from "node:path";
import { checkReleaseUrl, SharedScratch } from "../artifacts/index.js";
import { checkReference, type RegistryAccess, repositoryOf } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { type ExtractResult, extract } from "./extract.js";
import type { ExtractEvent } from "./extract-event.js";
import type { ExtractOptions } from "./extract-options.js";

export interface ExtractManyOptions extends Omit<ExtractOptions, "image" | "name" | "onEvent"> {
  /** Each gets its own directory in `output`. */
  images: readonly string[];
  /** Called when an image begins; returns what is called with its events. */
  observe?: ((image: string) => (event: ExtractEvent) => void) | undefined;
  /** Called when an image is made or has failed. */
  onOutcome?: ((outcome: ImageOutcome) => void) | undefined;
}

/** The result or the error of one image. */
export type ImageOutcome = {
  readonly image: string;
  /** The directory of its files, which may not exist after an error. */
  readonly directory: string;
  readonly seconds: number;
} & ({ readonly result: ExtractResult } | { readonly error: NetbootError });

/**
 * Extracts one image after the other, each with all processors. Layers that several images share are
 * fetched once. One failing image does not stop the others.
 * @throws NetbootError for errors that concern all images: wrong options, missing programs, a full
 *   disk, INTERRUPTED, INTERNAL
 */
export async function extractMany(options: ExtractManyOptions): Promise<ImageOutcome[]> {
  const { images, observe, onOutcome, output, cache, ...same } = options;
  const names = directoryNames(images);
  const url = same.url === undefined ? undefined : checkReleaseUrl(same.url);
  requireOneRegistry(images, same.registry);
  const outcomes: ImageOutcome[] = [];
  const scratch = cache === false ? await SharedScratch.create(output) : undefined;
  const cacheDir = scratch === undefined ? same.cacheDir : scratch.directory;
  try {
    for (const [image, name] of names) {
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
 * A given password or client certificate is for one registry; no other one may see it.
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
    `${flag} is for one registry, and these images come from several: ${[...registries].join(", ")}.`,
    "Use --authfile for credentials and certs.d for certificates.",
  );
}

async function attempt(
  options: ExtractOptions,
): Promise<{ result: ExtractResult } | { error: NetbootError }> {
  try {
    return { result: await extract(options) };
  } catch (error) {
    if (error instanceof NetbootError && !concernsAll(error)) return { error };
    throw error;
  }
}

/** Codes of errors that the other images would meet too. */
const commonErrors = ["MKSQUASHFS_MISSING", "MKSQUASHFS_TOO_OLD", "PROGRAM_MISSING", "DISK_FULL"];

/** True for errors that end the run: wrong options, missing programs, and Ctrl-C concern all images. */
function concernsAll({ code, exitStatus }: NetbootError): boolean {
  return [2, 130].includes(exitStatus) || [...commonErrors, "INTERNAL"].includes(code);
}

/**
 * The name of each image's directory, from its reference.
 * @throws NetbootError REFERENCE_INVALID, USAGE_INVALID if two images would get the same directory
 */
function directoryNames(images: readonly string[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const image of images) {
    checkReference(image);
    const name = directoryFor(image);
    const other = [...places].find(([known, place]) => place === name && known !== image);
    if (other !== undefined) {
      throw new NetbootError(
        "USAGE_INVALID",
        `${other[0]} and ${image} would both get the directory ${name}.`,
        "Extract one of them on its own.",
      );
    }
    places.set(image, name);
  }
  return places;
}

/** Twelve digits of a digest are enough to distinguish images. */
function directoryFor(image: string): string {
  if (image === "-") return "standard-input";
  return image
    .replace(/^docker:\/\//, "")
    .replace(/@sha(?:256|512):([0-9a-f]{12})[0-9a-f]+$/, "-$1")
    .replace(/[^A-Za-z0-9._+-]+/g, "-")
    .slice(-200)
    .replace(/^[-.]+|-+$/g, "");
}
