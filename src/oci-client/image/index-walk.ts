import type { Descriptor } from "../core/descriptor.js";
import { invalidDocument } from "../core/json-document.js";
import { indexTypes, manifestTypes } from "../core/media-types.js";
import { OciClientError } from "../core/oci-client-error.js";
import { formatPlatform, type Platform, platformMatchRank } from "../core/platform.js";
import { sanitize } from "../core/sanitize.js";
import { isArtifact } from "./assert-image.js";
import { type ImageReader, readManifest } from "./image-reader.js";
import type { Index } from "./manifest.js";

const maxDepth = 4;
const maxIndexes = 64;
const maxListedPlatforms = 24;

/** A manifest in an index, with the platform that the index gives it, if it does. */
export interface Choice {
  descriptor: Descriptor;
  platform?: Platform;
  /** The platforms of all manifests that have one, in the index's order. */
  offered: Platform[];
}

type DescribedManifest = Descriptor & { platform: Platform };

/**
 * Finds the manifest for a platform in an index and in the indexes within it. A manifest without a
 * platform is taken when it is the only one.
 * @throws OciClientError PLATFORM_NOT_FOUND, MANIFEST_INVALID and what reading nested indexes throws
 */
export async function chooseManifest(
  reader: ImageReader,
  root: { digest: string; document: Index },
  wanted: Platform,
  signal?: AbortSignal,
): Promise<Choice> {
  const manifests = await collectManifests(reader, root, signal);
  const [only] = manifests;
  if (manifests.length === 1 && only && !hasPlatform(only)) {
    return { descriptor: only, offered: [] };
  }
  const described = manifests.filter(hasPlatform);
  const offered = described.map(({ platform }) => platform);
  const best = bestMatch(described, wanted);
  if (best) return { descriptor: best, platform: best.platform, offered };
  throw platformNotFound(wanted, offered);
}

/** Says which platforms there are instead of the wanted one. */
export function platformNotFound(wanted: Platform, offered: Platform[]): OciClientError {
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

/** Every image manifest below an index, in the order written, whatever its platform. */
async function collectManifests(
  reader: ImageReader,
  root: { digest: string; document: Index },
  signal?: AbortSignal,
): Promise<Descriptor[]> {
  // Also what ends a cycle, should someone ever find a hash that allows one.
  const seen = new Set([root.digest]);

  async function collect(index: Index, depth: number): Promise<Descriptor[]> {
    if (depth > maxDepth) throw invalidDocument("image index", "is nested too deeply");
    const found: Descriptor[] = [];
    for (const descriptor of index.manifests.filter(mayBeImage)) {
      if (manifestTypes.includes(descriptor.mediaType)) found.push(descriptor);
      else if (!seen.has(descriptor.digest)) {
        seen.add(descriptor.digest);
        if (seen.size > maxIndexes) throw invalidDocument("image index", "holds too many indexes");
        const { document } = await readManifest(reader, descriptor, signal);
        if (document.kind !== "index") throw invalidDocument("nested index", "is no index");
        found.push(...(await collect(document, depth + 1)));
      }
    }
    return found;
  }

  return collect(root.document, 1);
}

/** The first of the best, as order in an index is the publisher's preference. */
function bestMatch(
  manifests: DescribedManifest[],
  wanted: Platform,
): DescribedManifest | undefined {
  let best: { rank: number; manifest: DescribedManifest } | undefined;
  for (const manifest of manifests) {
    const rank = platformMatchRank(wanted, manifest.platform);
    if (rank !== undefined && (!best || rank < best.rank)) best = { rank, manifest };
  }
  return best?.manifest;
}

function mayBeImage({ mediaType, artifactType, platform, annotations }: Descriptor): boolean {
  const isManifest = manifestTypes.includes(mediaType) || indexTypes.includes(mediaType);
  // BuildKit's attestations stand in the index as manifests of an unknown platform.
  const isAttestation =
    annotations?.["vnd.docker.reference.type"] === "attestation-manifest" ||
    (platform?.os === "unknown" && platform.architecture === "unknown");
  return isManifest && !isArtifact(artifactType) && !isAttestation;
}

function hasPlatform(descriptor: Descriptor): descriptor is DescribedManifest {
  return Boolean(descriptor.platform?.os && descriptor.platform.architecture);
}
