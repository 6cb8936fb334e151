import type { Descriptor } from "../core/descriptor.js";
import { isDigest, sha256 } from "../core/digest.js";
import { invalidDocument } from "../core/json-document.js";
import {
  assumePlatform,
  combinePlatforms,
  normalizePlatform,
  type Platform,
  platformMatchRank,
  type StatedPlatform,
} from "../core/platform.js";
import { assertImage } from "./assert-image.js";
import { chooseManifest, platformNotFound } from "./choose-manifest.js";
import { type ImageConfig, readImageConfig } from "./image-config.js";
import { type ImageReader, type ReadManifest, readManifest } from "./image-reader.js";
import { type Manifest, parseManifest } from "./manifest.js";

/** The image for one platform, with verified manifest and config. */
export interface ResolvedImage {
  /** Of the image manifest. */
  readonly digest: string;
  /** Of the index, if the root is one. */
  readonly indexDigest?: string;
  readonly platform: Platform;
  /** Whether neither index nor config names an architecture, so that it is the wanted one. */
  readonly isArchitectureAssumed: boolean;
  /** The platforms in the index, if the root is one. */
  readonly platforms?: readonly Platform[];
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
}

/** What identifies an image before it is read: a tag, a digest, or a descriptor. */
export type ImageRoot = string | (Pick<Descriptor, "digest"> & Partial<Descriptor>);

/** The digests of an image's manifest and of the index that it was found in. */
export type FoundImage = Pick<ResolvedImage, "digest" | "indexDigest">;

export interface ResolveOptions {
  readonly signal?: AbortSignal;
  /**
   * Called when the manifest is found; `resolveImage` throws what it throws. Before, only manifests are
   * read, and configs that are needed to choose one.
   */
  readonly approve?: (found: FoundImage) => Promise<void>;
}

/**
 * Finds the image for a platform, starting from a tag, a digest, or a descriptor, through an index if
 * there is one. Checks all sizes and digests; there is none to check for the target of a tag.
 * @throws OciClientError PLATFORM_NOT_FOUND, NOT_AN_IMAGE, BLOB_MISMATCH, MANIFEST_INVALID,
 *   MANIFEST_TOO_LARGE, MANIFEST_SCHEMA1, and what the reader throws
 */
export async function resolveImage(
  reader: ImageReader,
  root: ImageRoot,
  wanted: Platform,
  { signal, approve }: ResolveOptions = {},
): Promise<ResolvedImage> {
  const start = await readRoot(reader, root, signal);
  const { digest, document } = start;
  const platform = typeof root === "string" ? undefined : root.platform;
  if (document.kind === "manifest") {
    await approve?.({ digest });
    return readImage(reader, start, { wanted, inherited: platform, signal });
  }
  const chosen = await chooseManifest(reader, { digest, document, platform }, wanted, signal);
  const { entry, inherited, offered } = chosen;
  const found = await readManifest(reader, entry, signal);
  await approve?.({ digest: found.digest, indexDigest: digest });
  const image = await readImage(reader, found, {
    wanted,
    claimed: entry.platform,
    inherited,
    signal,
  });
  return { ...image, indexDigest: digest, platforms: offered };
}

async function readRoot(
  reader: ImageReader,
  root: ImageRoot,
  signal?: AbortSignal,
): Promise<ReadManifest> {
  if (typeof root !== "string") return readManifest(reader, root, signal);
  if (isDigest(root)) return readManifest(reader, { digest: root }, signal);
  const { bytes, mediaType } = await reader.manifest({ tag: root }, signal);
  return { digest: sha256(bytes), bytes, document: parseManifest(bytes, { mediaType }) };
}

interface ImageExpectations {
  readonly wanted: Platform;
  /** The platform of the manifest's entry in an index. */
  readonly claimed?: StatedPlatform | undefined;
  /** Counts if neither the entry nor the config says more. */
  readonly inherited: StatedPlatform | undefined;
  readonly signal: AbortSignal | undefined;
}

async function readImage(
  reader: ImageReader,
  { digest, bytes, document }: ReadManifest,
  { wanted, claimed, inherited, signal }: ImageExpectations,
): Promise<ResolvedImage> {
  if (document.kind !== "manifest") {
    throw invalidDocument("image manifest", "is an index, although its descriptor says otherwise");
  }
  assertImage(document);
  const { config, bytes: configBytes } = await readImageConfig(reader, document.config, signal);
  assertLayerCount(document, config);
  const stated = combinePlatforms(claimed, config, inherited);
  const platform = normalizePlatform(assumePlatform(stated, wanted));
  if (platformMatchRank(wanted, platform) === undefined) throw platformNotFound(wanted, [platform]);
  const isArchitectureAssumed = stated.architecture === undefined;
  const image = { digest, platform, isArchitectureAssumed, manifest: document };
  return { ...image, manifestBytes: bytes, config, configBytes };
}

function assertLayerCount({ layers }: Manifest, { rootfs }: ImageConfig): void {
  if (layers.length === 0 || layers.length === rootfs.diff_ids.length) return;
  const problem = `has ${layers.length} layers but its config has ${rootfs.diff_ids.length}`;
  throw invalidDocument("image manifest", problem);
}
