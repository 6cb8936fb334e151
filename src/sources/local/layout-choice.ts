import {
  formatPlatform,
  type IndexEntry,
  isCompletePlatform,
  OciClientError,
  type Platform,
  platformMatchRank,
  platformNotFound,
  type ResolvedImage,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import { distinctBy } from "./distinct.js";
import { distinctImages, nameOf, selectEntries, selectorsOf } from "./layout-names.js";
import { listNames } from "./list-names.js";
import type { ImageLocation } from "./local-source.js";

export interface OciLayoutLocation extends ImageLocation {
  readonly kind: "OCI layout" | "OCI archive";
  /** A tag, a full image name, or a digest. */
  readonly tag?: string | undefined;
}

/**
 * Chooses the entry of a layout's index that the user means. If a tag names several images, the platform
 * has to distinguish them.
 * @param images the entries that may be images, at least one
 * @param resolve finds the image for the platform in an entry
 * @throws NetbootError LAYOUT_INVALID for an ambiguous choice, IMAGE_NOT_FOUND
 * @throws OciClientError PLATFORM_NOT_FOUND, NOT_AN_IMAGE, and what `resolve` throws
 */
export async function chooseEntry(
  images: readonly IndexEntry[],
  location: OciLayoutLocation,
  platform: Platform,
  resolve: (entry: IndexEntry) => Promise<ResolvedImage>,
): Promise<IndexEntry> {
  const { tag } = location;
  const selected = distinctImages(tag === undefined ? images : selectEntries(images, tag));
  const [first, ...others] = selected;
  if (first === undefined) throw notFound(location, images);
  if (others.length === 0) return first;
  if (tag === undefined && new Set(selected.map(nameOf)).size > 1) throw several(location, images);
  const suitable = await findSuitable(selected, platform, resolve);
  const [only, ...rivals] = suitable;
  if (only !== undefined && rivals.length === 0) return only;
  throw ambiguous(location, images, suitable, platform);
}

/** The entries with the image that suits the platform best: several if they are equally good. */
async function findSuitable(
  entries: readonly IndexEntry[],
  platform: Platform,
  resolve: (entry: IndexEntry) => Promise<ResolvedImage>,
): Promise<IndexEntry[]> {
  const stated = entries.map((entry) => entry.platform).filter(isCompletePlatform);
  const possible = entries.filter(
    (entry) =>
      !isCompletePlatform(entry.platform) ||
      platformMatchRank(platform, entry.platform) !== undefined,
  );
  const found: { entry: IndexEntry; digest: string; rank: number }[] = [];
  let refusal = platformNotFound(platform, stated);
  for (const entry of possible) {
    try {
      const image = await resolve(entry);
      const rank = platformMatchRank(platform, image.platform) ?? 0;
      found.push({ entry, digest: image.digest, rank });
    } catch (error) {
      if (!isUnsuitable(error)) throw error;
      refusal = error;
    }
  }
  if (found.length === 0) throw refusal;
  const best = Math.min(...found.map(({ rank }) => rank));
  const matches = found.filter(({ rank }) => rank === best);
  // An index and the manifest in it are the same image.
  return distinctBy(matches, ({ digest }) => digest).map(({ entry }) => entry);
}

function isUnsuitable(error: unknown): error is OciClientError {
  return (
    error instanceof OciClientError && ["PLATFORM_NOT_FOUND", "NOT_AN_IMAGE"].includes(error.code)
  );
}

function notFound({ kind, where, tag }: OciLayoutLocation, images: readonly IndexEntry[]) {
  return new NetbootError(
    "IMAGE_NOT_FOUND",
    `The ${kind} ${where} contains no image ${tag}.`,
    `It contains: ${listNames(selectorsOf(images).map(({ name }) => name))}.`,
  );
}

function several(location: OciLayoutLocation, images: readonly IndexEntry[]): NetbootError {
  const { kind, where } = location;
  const names = selectorsOf(images).map(({ name }) => name);
  return new NetbootError(
    "LAYOUT_INVALID",
    `The ${kind} ${where} contains several images: ${listNames(names)}.`,
    selectHint(location, images, images.slice(0, 1)),
  );
}

function ambiguous(
  location: OciLayoutLocation,
  images: readonly IndexEntry[],
  suitable: readonly IndexEntry[],
  platform: Platform,
): NetbootError {
  const { kind, where, tag } = location;
  const name = tag === undefined ? "" : ` named ${tag}`;
  const count = `${suitable.length} different images${name} for ${formatPlatform(platform)}`;
  return new NetbootError(
    "LAYOUT_INVALID",
    `The ${kind} ${where} contains ${count}.`,
    selectHint(location, images, suitable),
  );
}

/** Says how to select one of these images. */
function selectHint(
  { untagged }: OciLayoutLocation,
  images: readonly IndexEntry[],
  choices: readonly IndexEntry[],
): string {
  const place = untagged ?? "oci-archive:FILE";
  const references = selectorsOf(images, choices).map(
    ({ separator, name }) => `${place}${separator}${name}`,
  );
  const select = untagged === undefined ? "Save it to a file, and select one" : "Select one";
  const example = references.length === 1 ? ", for example " : ": ";
  return `${select}${example}${listNames(references)}.`;
}
