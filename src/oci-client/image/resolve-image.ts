import type { Descriptor } from "../core/descriptor.js";
import { isDigest, sha256 } from "../core/digest.js";
import { invalidDocument } from "../core/json-document.js";
import { normalizePlatform, type Platform, platformMatchRank } from "../core/platform.js";
import { assertImage } from "./assert-image.js";
import { type ImageConfig, maxConfigBytes, parseImageConfig } from "./image-config.js";
import {
  type ImageReader,
  type ReadManifest,
  readManifest,
  readSmallBlob,
} from "./image-reader.js";
import { chooseManifest, platformNotFound } from "./index-walk.js";
import { type Manifest, parseManifest } from "./manifest.js";

/** One platform's image: manifest and config are verified, the layers are still to be fetched. */
export interface ResolvedImage {
  /** Of the image manifest. */
  digest: string;
  /** Of the index that the root turned out to be, if it did. */
  indexDigest?: string;
  platform: Platform;
  /** All that the index offers, where there is one. */
  platforms?: Platform[];
  manifest: Manifest;
  manifestBytes: Uint8Array;
  config: ImageConfig;
  configBytes: Uint8Array;
}

/** What is known of an image before it is read: a tag, a digest, or a descriptor. */
export type ImageRoot = string | (Pick<Descriptor, "digest"> & Partial<Descriptor>);

/** Digests of an image that was found: of its manifest, and of the index that led to it. */
export type FoundImage = Pick<ResolvedImage, "digest" | "indexDigest">;

export interface ResolveOptions {
  signal?: AbortSignal;
  /** Asked before anything but manifests is read; what it throws ends the walk. */
  approve?: (found: FoundImage) => Promise<void>;
}

/**
 * Walks from a tag, a digest or a descriptor, through an index where there is one, to the image for
 * the wanted platform. Sizes and digests are checked all along; a tag is taken at its word.
 * @throws OciClientError PLATFORM_NOT_FOUND, NOT_AN_IMAGE, BLOB_MISMATCH, MANIFEST_INVALID,
 *   MANIFEST_TOO_LARGE, MANIFEST_SCHEMA1, and whatever the reader throws
 */
export async function resolveImage(
  reader: ImageReader,
  root: ImageRoot,
  wanted: Platform,
  { signal, approve }: ResolveOptions = {},
): Promise<ResolvedImage> {
  const start = await readRoot(reader, root, signal);
  const { document } = start;
  if (document.kind === "manifest") {
    await approve?.({ digest: start.digest });
    return readImage(reader, start, { wanted, signal });
  }
  const chosen = await chooseManifest(reader, { digest: start.digest, document }, wanted, signal);
  const found = await readManifest(reader, chosen.descriptor, signal);
  await approve?.({ digest: found.digest, indexDigest: start.digest });
  const image = await readImage(reader, found, { wanted, claimed: chosen.platform, signal });
  return { ...image, indexDigest: start.digest, platforms: chosen.offered };
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

/** `claimed` is the platform that an index gave the manifest; without one the config decides. */
async function readImage(
  reader: ImageReader,
  { digest, bytes, document }: ReadManifest,
  { wanted, claimed, signal }: { wanted: Platform; claimed?: Platform; signal?: AbortSignal },
): Promise<ResolvedImage> {
  if (document.kind !== "manifest") {
    throw invalidDocument("image manifest", "is an index though its descriptor says otherwise");
  }
  assertImage(document);
  const configBytes = await readSmallBlob(reader, document.config, maxConfigBytes, signal);
  const config = parseImageConfig(configBytes);
  assertLayerCount(document, config);
  const platform = normalizePlatform(claimed ?? config);
  if (platformMatchRank(wanted, platform) === undefined) throw platformNotFound(wanted, [platform]);
  return { digest, platform, manifest: document, manifestBytes: bytes, config, configBytes };
}

function assertLayerCount({ layers }: Manifest, { rootfs }: ImageConfig): void {
  if (layers.length === 0 || layers.length === rootfs.diff_ids.length) return;
  const problem = `has ${layers.length} layers but its config has ${rootfs.diff_ids.length}`;
  throw invalidDocument("image manifest", problem);
}
