import {
  formatPlatform,
  type IndexEntry,
  isCompletePlatform,
  normalizePlatform,
} from "../../oci-client/index.js";
import { completeName } from "./complete-name.js";
import { distinctBy } from "./distinct.js";
import { refNameAnnotation } from "./layout-signatures.js";

/** The annotation in which containerd and Docker store the full name of an image. */
const imageNameAnnotation = "io.containerd.image.name";

/**
 * The entries of a layout's index that a tag, a full image name, or a digest selects. A full name is
 * first looked for where containerd and Docker store it: several images may have the same tag.
 */
export function selectEntries(entries: readonly IndexEntry[], name: string): IndexEntry[] {
  const isFullName = /[/:]/.test(name);
  const wanted = isFullName ? completeName(name) : undefined;
  const named = entries.filter((entry) => {
    const full = imageNameOf(entry);
    return wanted !== undefined && full !== undefined && completeName(full) === wanted;
  });
  if (named.length > 0) return named;
  return entries.filter((entry) => refNameOf(entry) === name || entry.digest === name);
}

/** The tag of an entry, or else its full name. */
export function nameOf(entry: IndexEntry): string | undefined {
  return refNameOf(entry) ?? imageNameOf(entry);
}

/** What follows the path of a layout in order to select an image. */
export interface Selector {
  readonly separator: ":" | "@";
  /** A tag, a full name, or a digest. */
  readonly name: string;
}

/**
 * A selector for each image: its tag if no other image has the same one, else its full name, else its
 * digest.
 * @param entries all in the layout
 */
export function selectorsOf(
  entries: readonly IndexEntry[],
  chosen: readonly IndexEntry[] = entries,
): Selector[] {
  const selectors = chosen.map((entry) => selectorOf(entries, entry));
  return distinctBy(selectors, ({ name }) => name);
}

function selectorOf(entries: readonly IndexEntry[], entry: IndexEntry): Selector {
  const name = [refNameOf(entry), imageNameOf(entry)].find(
    (each) => each !== undefined && isUnique(selectEntries(entries, each)),
  );
  return name === undefined ? { separator: "@", name: entry.digest } : { separator: ":", name };
}

/** Whether entries are one image, or the images for several platforms. */
function isUnique(entries: readonly IndexEntry[]): boolean {
  const images = distinctImages(entries);
  const platforms = images.map(({ platform }) => platform).filter(isCompletePlatform);
  const names = new Set(platforms.map((each) => formatPlatform(normalizePlatform(each))));
  return images.length === 1 || images.length === names.size;
}

/** The entries without those that repeat a digest. */
export function distinctImages(entries: readonly IndexEntry[]): IndexEntry[] {
  return distinctBy(entries, ({ digest }) => digest);
}

function refNameOf({ annotations }: IndexEntry): string | undefined {
  return annotations?.[refNameAnnotation];
}

function imageNameOf({ annotations }: IndexEntry): string | undefined {
  return annotations?.[imageNameAnnotation];
}
