import { invalidDocument } from "../core/json-document.js";
import { indexTypes, manifestTypes } from "../core/media-types.js";
import { OciClientError } from "../core/oci-client-error.js";
import { formatPlatform, type Platform, platformMatchRank } from "../core/platform.js";
import { sanitize } from "../core/sanitize.js";
import { isArtifact } from "./assert-image.js";
import { type ImageReader, readManifest } from "./image-reader.js";
import type { Index, IndexEntry } from "./manifest.js";

const maxDepth = 4;
const maxIndexes = 64;
const maxListedPlatforms = 24;

/** The manifest that suits a platform. */
interface ChosenManifest {
  readonly entry: IndexEntry;
  /** Its platform in the index, if the index gives one. */
  readonly platform?: Platform;
  /** The platforms of all manifests that have one, in the index's order. */
  readonly offered: readonly Platform[];
}

type DescribedEntry = IndexEntry & { readonly platform: Platform };

/**
 * Finds the manifest for a platform in an index and its nested indexes. A manifest without a platform is
 * accepted if it is the only one.
 * @throws OciClientError PLATFORM_NOT_FOUND, MANIFEST_INVALID and what reading nested indexes throws
 */
export async function chooseManifest(
  reader: ImageReader,
  root: { readonly digest: string; readonly document: Index },
  wanted: Platform,
  signal?: AbortSignal,
): Promise<ChosenManifest> {
  const manifests = await collectManifests(reader, root, wanted, signal);
  const [only] = manifests;
  if (manifests.length === 1 && only && !hasPlatform(only)) {
    return { entry: only, offered: [] };
  }
  const described = manifests.filter(hasPlatform);
  const offered = described.map(({ platform }) => platform);
  const best = bestMatch(described, wanted);
  if (best) return { entry: best, platform: best.platform, offered };
  throw platformNotFound(wanted, offered);
}

/** The error for an image without the wanted platform. It lists the available platforms. */
export function platformNotFound(wanted: Platform, offered: readonly Platform[]): OciClientError {
  const names = [...new Set(offered.map(formatPlatform))];
  const listed =
    names.slice(0, maxListedPlatforms).join(", ") +
    (names.length > maxListedPlatforms ? ", …" : "");
  const there = names.length > 0 ? `only for ${sanitize(listed, 1000)}` : "for no known platform";
  const message = `There is no image for ${sanitize(formatPlatform(wanted))}, ${there}.`;
  return new OciClientError("PLATFORM_NOT_FOUND", message, {
    hint: names.length > 0 ? "Ask for one of these platforms." : "Choose another image.",
  });
}

/** Lists every image manifest in an index and its nested indexes, in the given order. */
async function collectManifests(
  reader: ImageReader,
  root: { readonly digest: string; readonly document: Index },
  wanted: Platform,
  signal?: AbortSignal,
): Promise<IndexEntry[]> {
  // This would also end a cycle, should anyone ever break the hash.
  const seen = new Set([root.digest]);

  async function collect(index: Index, depth: number): Promise<IndexEntry[]> {
    if (depth > maxDepth) throw invalidDocument("image index", "is nested too deeply");
    const found: IndexEntry[] = [];
    for (const entry of index.manifests.filter(mayBeImage)) {
      if (isManifestFor(entry, wanted)) found.push(entry);
      else if (!seen.has(entry.digest)) found.push(...(await read(entry, depth)));
    }
    return found;
  }

  /** Reads what may be a nested index. */
  async function read(entry: IndexEntry, depth: number): Promise<IndexEntry[]> {
    seen.add(entry.digest);
    if (seen.size > maxIndexes) throw invalidDocument("image index", "contains too many indexes");
    const { document } = await readManifest(reader, entry, signal);
    if (document.kind === "index") return collect(document, depth + 1);
    if (entry.mediaType === undefined) return [{ ...entry, mediaType: document.mediaType }];
    throw invalidDocument("nested index", "is not an index");
  }

  return collect(root.document, 1);
}

/**
 * Whether an entry is a manifest that does not have to be read yet. An entry without a media type has to
 * be, because it may be an index, unless its platform already excludes it.
 */
function isManifestFor(entry: IndexEntry, wanted: Platform): boolean {
  if (entry.mediaType !== undefined) return manifestTypes.includes(entry.mediaType);
  return hasPlatform(entry) && platformMatchRank(wanted, entry.platform) === undefined;
}

/** The first of the best matches: the order in an index is the publisher's preference. */
function bestMatch(
  manifests: readonly DescribedEntry[],
  wanted: Platform,
): DescribedEntry | undefined {
  let best: { rank: number; manifest: DescribedEntry } | undefined;
  for (const manifest of manifests) {
    const rank = platformMatchRank(wanted, manifest.platform);
    if (rank !== undefined && (!best || rank < best.rank)) best = { rank, manifest };
  }
  return best?.manifest;
}

function mayBeImage({ mediaType, artifactType, platform, annotations }: IndexEntry): boolean {
  const isManifest =
    mediaType === undefined || manifestTypes.includes(mediaType) || indexTypes.includes(mediaType);
  // BuildKit lists its attestations as manifests of an unknown platform.
  const isAttestation =
    annotations?.["vnd.docker.reference.type"] === "attestation-manifest" ||
    (platform?.os === "unknown" && platform.architecture === "unknown");
  return isManifest && !isArtifact(artifactType) && !isAttestation;
}

function hasPlatform(entry: IndexEntry): entry is DescribedEntry {
  return Boolean(entry.platform?.os && entry.platform.architecture);
}
