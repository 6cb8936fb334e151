import { z } from "zod";
import { formatReference, parseReference } from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";

/** The largest `manifest.json` that is read, in bytes. */
export const largestManifest = 4 * 1024 * 1024;
const mostImages = 1000;
const mostListed = 24;

const path = z.string().max(4096);

const image = z.object({
  Config: path,
  RepoTags: z.array(z.string().max(1024)).max(mostImages).nullish(),
  Layers: z.array(path).max(1000).nullish(),
});

const manifest = z.array(image).max(mostImages);

/** One image in what `docker save` wrote: the names of its files in the archive. */
export type DockerImage = z.infer<typeof image>;

/** Which image of several: a reference in full, or its place in the archive, from 0. */
export type DockerChoice = { readonly reference: string } | { readonly index: number };

/**
 * Reads the `manifest.json` of an archive (Docker image specification v1.2, "Combined Image JSON +
 * Filesystem Changeset Format").
 * @throws NetbootError LAYOUT_INVALID
 */
export function parseDockerManifest(bytes: Buffer, where: string): DockerImage[] {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw invalid(`The manifest.json of ${where} is not valid JSON.`, error);
  }
  const parsed = manifest.safeParse(document);
  if (parsed.success) return parsed.data;
  const { path: place, message } = parsed.error.issues[0]!;
  throw invalid(`The manifest.json of ${where} does not fit its format (${place}: ${message}).`);
}

/**
 * The image that is meant: the only one there is, where none is named.
 * @param untagged the reference without the choice, for the hint
 * @throws NetbootError LAYOUT_INVALID, IMAGE_NOT_FOUND
 */
export function chooseDockerImage(
  images: readonly DockerImage[],
  choice: DockerChoice | undefined,
  { where, untagged }: { where: string; untagged: string | undefined },
): DockerImage {
  if (choice === undefined && images.length === 1) return images[0]!;
  const names = namesOf(images);
  if (choice === undefined) {
    if (images.length === 0) throw invalid(`The archive ${where} holds no image.`);
    throw new NetbootError(
      "LAYOUT_INVALID",
      `The archive ${where} holds several images: ${names}.`,
      untagged === undefined
        ? "Save it as a file, and name one: docker-archive:FILE:NAME:TAG."
        : `Name one, by its name or its number: ${untagged}:${firstName(images)}, ${untagged}:@0.`,
    );
  }
  const found =
    "index" in choice
      ? images[choice.index]
      : images.find(({ RepoTags }) => RepoTags?.some((tag) => full(tag) === choice.reference));
  if (found !== undefined) return found;
  const wanted = "index" in choice ? `@${choice.index}` : choice.reference;
  throw new NetbootError(
    "IMAGE_NOT_FOUND",
    `The archive ${where} holds no image ${wanted}.`,
    `It holds: ${names || "none"}.`,
  );
}

function namesOf(images: readonly DockerImage[]): string {
  const names = images.map(({ RepoTags }, index) => RepoTags?.join(" ") || `@${index}`);
  return names.slice(0, mostListed).join(", ") + (names.length > mostListed ? ", …" : "");
}

function firstName(images: readonly DockerImage[]): string {
  return images.flatMap(({ RepoTags }) => RepoTags ?? [])[0] ?? "@0";
}

/** A tag in the spelling that all names of one image have in common. */
function full(tag: string): string | undefined {
  try {
    return formatReference(parseReference(tag));
  } catch {
    return undefined;
  }
}

function invalid(message: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    message,
    "Make an archive with: docker save -o FILE IMAGE",
    { cause },
  );
}
