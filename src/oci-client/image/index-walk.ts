import { invalidDocument } from "../core/json-document.js";
import { indexTypes, manifestTypes } from "../core/media-types.js";
import {
  combinePlatforms,
  isCompletePlatform,
  type Platform,
  platformMatchRank,
  type StatedPlatform,
} from "../core/platform.js";
import { type ImageReader, readManifest } from "./image-reader.js";
import type { Index, IndexEntry } from "./manifest.js";

const maxDepth = 4;
const maxIndexes = 64;

/** An entry of an index, or of an index in it, that may be the manifest of an image. */
export interface Candidate {
  readonly entry: IndexEntry;
  /** The platform of the index that contains the entry, as outer indexes state it. */
  readonly inherited: StatedPlatform;
}

/** The index to start with. */
export interface RootIndex {
  readonly digest: string;
  readonly document: Index;
  /** As its own descriptor states it. */
  readonly platform?: StatedPlatform | undefined;
}

/**
 * Lists everything that may be an image manifest in an index and its nested indexes, in the given order.
 * @throws OciClientError MANIFEST_INVALID and what reading nested indexes throws
 */
export async function collectCandidates(
  reader: ImageReader,
  root: RootIndex,
  wanted: Platform,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  // This would also end a cycle, should anyone ever break the hash.
  const seen = new Set([root.digest]);

  async function collect(
    index: Index,
    inherited: StatedPlatform,
    depth: number,
  ): Promise<Candidate[]> {
    if (depth > maxDepth) throw invalidDocument("image index", "is nested too deeply");
    const found: Candidate[] = [];
    for (const entry of index.manifests.filter(mayBeImage)) {
      if (isManifestFor(entry, wanted)) found.push({ entry, inherited });
      else if (!seen.has(entry.digest)) found.push(...(await read({ entry, inherited }, depth)));
    }
    return found;
  }

  /** Reads what may be a nested index. */
  async function read({ entry, inherited }: Candidate, depth: number): Promise<Candidate[]> {
    seen.add(entry.digest);
    if (seen.size > maxIndexes) throw invalidDocument("image index", "contains too many indexes");
    const { document } = await readManifest(reader, entry, signal);
    if (document.kind === "index") {
      return collect(document, combinePlatforms(entry.platform, inherited), depth + 1);
    }
    if (entry.mediaType === undefined) {
      return [{ entry: { ...entry, mediaType: document.mediaType }, inherited }];
    }
    throw invalidDocument("nested index", "is not an index");
  }

  return collect(root.document, combinePlatforms(root.platform), 1);
}

/**
 * Whether an entry is a manifest that does not have to be read yet. An entry without a media type has to
 * be, because it may be an index, unless its platform already excludes it.
 */
function isManifestFor({ mediaType, platform }: IndexEntry, wanted: Platform): boolean {
  if (mediaType !== undefined) return manifestTypes.includes(mediaType);
  return isCompletePlatform(platform) && platformMatchRank(wanted, platform) === undefined;
}

/** Whether an entry may lead to an image: not if it is for an attestation or for other content. */
export function mayBeImage({ mediaType, platform, annotations }: IndexEntry): boolean {
  const isManifest =
    mediaType === undefined || manifestTypes.includes(mediaType) || indexTypes.includes(mediaType);
  const isAttestation =
    annotations?.["vnd.docker.reference.type"] === "attestation-manifest" ||
    isAttestationPlatform(platform);
  return isManifest && !isAttestation;
}

/** BuildKit lists its attestations as manifests of an unknown platform. */
export function isAttestationPlatform(platform: StatedPlatform | undefined): boolean {
  return platform?.os === "unknown" && platform.architecture === "unknown";
}
