import { NetbootError } from "../../support/index.js";
import { completeName } from "./complete-name.js";
import { distinctBy } from "./distinct.js";
import { type DockerImage, invalidArchive } from "./docker-manifest.js";
import { listNames } from "./list-names.js";

/** Selects an image by its complete reference, or by its position in the archive, from 0. */
export type DockerChoice = { readonly reference: string } | { readonly index: number };

/** The archive, for messages. */
interface ArchivePlace {
  readonly where: string;
  /** The reference without a choice of image; undefined if the reference cannot contain one. */
  readonly untagged: string | undefined;
}

/**
 * The selected image, or the only one in the archive if none is selected.
 * @throws NetbootError LAYOUT_INVALID, IMAGE_NOT_FOUND
 */
export function chooseDockerImage(
  images: readonly DockerImage[],
  choice: DockerChoice | undefined,
  place: ArchivePlace,
): DockerImage {
  if (choice === undefined) return onlyImage(images, place);
  const [found, ...rivals] = selectImages(images, choice);
  if (rivals.length > 0) throw ambiguous(images, choice, place);
  if (found !== undefined) return found;
  throw new NetbootError(
    "IMAGE_NOT_FOUND",
    `The archive ${place.where} contains no image ${describeChoice(choice)}.`,
    `It contains: ${listNames(uniqueNames(images)) || "none"}.`,
  );
}

function onlyImage(images: readonly DockerImage[], { where, untagged }: ArchivePlace): DockerImage {
  const [first, ...others] = images;
  if (first === undefined) throw invalidArchive(`The archive ${where} contains no image.`);
  if (others.length === 0) return first;
  const names = uniqueNames(images);
  const example = names.find((name) => !name.startsWith("@"));
  const examples = [...(example === undefined ? [] : [example]), "@0"];
  throw new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} contains several images: ${listNames(names)}.`,
    untagged === undefined
      ? "Save it to a file, and select an image: docker-archive:FILE:NAME:TAG."
      : `Select one by its name or its number: ${examples.map((it) => `${untagged}:${it}`).join(", ")}.`,
  );
}

/** The different images that a choice selects. */
function selectImages(images: readonly DockerImage[], choice: DockerChoice): DockerImage[] {
  const selected =
    "index" in choice
      ? images.slice(choice.index, choice.index + 1)
      : images.filter((image) =>
          tagsOf(image).some((tag) => completeName(tag) === choice.reference),
        );
  return distinctBy(selected, ({ Config }) => Config);
}

function ambiguous(
  images: readonly DockerImage[],
  choice: DockerChoice,
  { where, untagged = "docker-archive:FILE" }: ArchivePlace,
): NetbootError {
  const rivals = selectImages(images, choice);
  const references = rivals.map((image) => `${untagged}:@${images.indexOf(image)}`);
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} contains ${rivals.length} different images named ${describeChoice(choice)}.`,
    `Select one by its number: ${listNames(references)}.`,
  );
}

function describeChoice(choice: DockerChoice): string {
  return "index" in choice ? `@${choice.index}` : choice.reference;
}

/** All names that only one image has, and the number of each image without such a name. */
function uniqueNames(images: readonly DockerImage[]): string[] {
  const all = images.flatMap(tagsOf);
  return images.flatMap((image, index) => {
    const unique = tagsOf(image).filter((tag) => all.indexOf(tag) === all.lastIndexOf(tag));
    return unique.length > 0 ? unique : [`@${index}`];
  });
}

function tagsOf({ RepoTags }: DockerImage): readonly string[] {
  return RepoTags ?? [];
}
