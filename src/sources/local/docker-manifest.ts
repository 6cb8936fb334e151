import * as z from "zod";
import { formatReference, parseReference } from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";

export const maxManifestBytes = 4 * 1024 * 1024;
const maxImages = 1000;
/** Names of images in an error message. */
const maxListedNames = 24;

const path = z.string().max(4096);

const image = z.object({
  Config: path,
  RepoTags: z.array(z.string().max(1024)).max(maxImages).nullish(),
  Layers: z.array(path).max(1000).nullish(),
});

const manifest = z.array(image).max(maxImages);

/** One image in an archive of `docker save`: the names of its files. */
export type DockerImage = z.infer<typeof image>;

/** Selects an image by its complete reference, or by its position in the archive, from 0. */
export type DockerChoice = { readonly reference: string } | { readonly index: number };

/**
 * Parses the `manifest.json` of an archive (Docker image specification v1.2, "Combined Image JSON +
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
  const [issue] = parsed.error.issues;
  throw invalid(
    `The manifest.json of ${where} does not match its format (${issue?.path.join(".")}: ${issue?.message}).`,
  );
}

/**
 * The selected image, or the only one in the archive if none is selected.
 * @param untagged the reference without a choice of image, for the hint
 * @throws NetbootError LAYOUT_INVALID, IMAGE_NOT_FOUND
 */
export function chooseDockerImage(
  images: readonly DockerImage[],
  choice: DockerChoice | undefined,
  { where, untagged }: { where: string; untagged: string | undefined },
): DockerImage {
  const [first] = images;
  if (choice === undefined && images.length === 1 && first !== undefined) return first;
  const names = namesOf(images);
  if (choice === undefined) {
    if (images.length === 0) throw invalid(`The archive ${where} contains no image.`);
    throw new NetbootError(
      "LAYOUT_INVALID",
      `The archive ${where} contains several images: ${names}.`,
      untagged === undefined
        ? "Save it to a file, and select an image: docker-archive:FILE:NAME:TAG."
        : `Select one by its name or its number: ${untagged}:${firstName(images)}, ${untagged}:@0.`,
    );
  }
  const found =
    "index" in choice
      ? images[choice.index]
      : images.find(({ RepoTags }) =>
          RepoTags?.some((tag) => completeName(tag) === choice.reference),
        );
  if (found !== undefined) return found;
  const wanted = "index" in choice ? `@${choice.index}` : choice.reference;
  throw new NetbootError(
    "IMAGE_NOT_FOUND",
    `The archive ${where} contains no image ${wanted}.`,
    `It contains: ${names || "none"}.`,
  );
}

function namesOf(images: readonly DockerImage[]): string {
  const names = images.map(({ RepoTags }, index) => RepoTags?.join(" ") || `@${index}`);
  return names.slice(0, maxListedNames).join(", ") + (names.length > maxListedNames ? ", …" : "");
}

function firstName(images: readonly DockerImage[]): string {
  return images.flatMap(({ RepoTags }) => RepoTags ?? [])[0] ?? "@0";
}

/** A tag in its complete spelling; undefined if it is not valid. */
function completeName(tag: string): string | undefined {
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
    "Create an archive with: docker save -o FILE IMAGE",
    { cause },
  );
}
