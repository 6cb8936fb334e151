import * as z from "zod";
import { NetbootError } from "../../support/index.js";

export const maxManifestBytes = 4 * 1024 * 1024;
const maxImages = 1000;

const path = z.string().max(4096);

const image = z.object({
  Config: path,
  RepoTags: z.array(z.string().max(1024)).max(maxImages).nullish(),
  /** Empty for a layer that whoever wrote the archive left out. */
  Layers: z
    .array(path.nullable().transform((name) => name ?? ""))
    .max(1000)
    .nullish(),
});

const manifest = z.array(image).max(maxImages);

/** One image in an archive of `docker save`: the names of its files. */
export type DockerImage = z.infer<typeof image>;

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
    throw invalidArchive(`The manifest.json of ${where} is not valid JSON.`, error);
  }
  if (!Array.isArray(document)) {
    throw new NetbootError(
      "LAYOUT_INVALID",
      `The manifest.json of ${where} is not a list of images, so docker save did not write it.`,
      "If it is a directory that skopeo wrote, unpack the archive and write dir:DIR",
    );
  }
  const parsed = manifest.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidArchive(
    `The manifest.json of ${where} does not match its format (${issue?.path.join(".")}: ${issue?.message}).`,
  );
}

export function invalidArchive(message: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    message,
    "Create an archive with: docker save -o FILE IMAGE",
    { cause },
  );
}
