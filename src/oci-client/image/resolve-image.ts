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

/** The image for one platform, with verified manifest and config. */
export interface ResolvedImage {
  /** Of the image manifest. */
  readonly digest: string;
  /** Of the index, if the root is one. */
  readonly indexDigest?: string;
  readonly platform: Platform;
  /** All platforms in the index, if the root is one. */
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
  /** Called before anything except manifests is read. `resolveImage` throws what it throws. */
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
  const { document } = start;
  if (document.kind === "manifest") {
    await approve?.({ digest: start.digest });
    return readImage(reader, start, { wanted, signal });
  }
  const chosen = await chooseManifest(reader, { digest: start.digest, document }, wanted, signal);
  const found = await readManifest(reader, chosen.entry, signal);
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

/** @param options `claimed`: the manifest's platform in the index; without it the config decides */
async function readImage(
  reader: ImageReader,
  { digest, bytes, document }: ReadManifest,
  { wanted, claimed, signal }: { wanted: Platform; claimed?: Platform; signal?: AbortSignal },
): Promise<ResolvedImage> {
  if (document.kind !== "manifest") {
    throw invalidDocument("image manifest", "is an index, although its descriptor says otherwise");
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
