import { invalidDocument } from "../core/json-document.js";
import { OciClientError } from "../core/oci-client-error.js";
import {
  assumePlatform,
  combinePlatforms,
  formatPlatform,
  isCompletePlatform,
  type Platform,
  platformMatchRank,
  type StatedPlatform,
} from "../core/platform.js";
import { sanitize } from "../core/sanitize.js";
import { isArtifactType, isImage } from "./assert-image.js";
import { readImageConfig } from "./image-config.js";
import { type ImageReader, readManifest } from "./image-reader.js";
import {
  type Candidate,
  collectCandidates,
  isAttestationPlatform,
  type RootIndex,
} from "./index-walk.js";

/** Maximum number of manifests that are read because their entries do not describe them. */
const maxReadManifests = 100;
const maxListedPlatforms = 24;
const maxListedDigests = 8;

/** The manifest that suits a platform. */
export interface ChosenManifest extends Candidate {
  /** The platforms of all manifests that are known to have one, in the index's order. */
  readonly offered: readonly Platform[];
}

/** A candidate, and everything that is stated about its platform. */
interface StatedCandidate {
  readonly candidate: Candidate;
  readonly stated: StatedPlatform;
}

/**
 * Finds the manifest for a platform in an index and its nested indexes. If no entry states that platform,
 * the configs of the other entries decide. A manifest without any stated platform is accepted if it is
 * the only one.
 * @throws OciClientError PLATFORM_NOT_FOUND, MANIFEST_INVALID, and what reading manifests and configs
 *   throws
 */
export async function chooseManifest(
  reader: ImageReader,
  root: RootIndex,
  wanted: Platform,
  signal?: AbortSignal,
): Promise<ChosenManifest> {
  const candidates = await collectCandidates(reader, root, wanted, signal);
  const [only] = candidates;
  if (candidates.length === 1 && only && !isDescribed(only)) return { ...only, offered: [] };
  const described = candidates
    .filter(isDescribed)
    .map((candidate) => ({ candidate, stated: candidate.entry.platform ?? {} }));
  const best = bestMatch(described, wanted);
  if (best) return { ...best, offered: platformsOf(described, wanted) };
  const others = candidates.filter((candidate) => !isDescribed(candidate));
  const all = [...described, ...(await readOthers(reader, others, wanted, signal))];
  const offered = platformsOf(all, wanted);
  const found = bestMatch(all, wanted) ?? onlyUnknown(all, wanted);
  if (found) return { ...found, offered };
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

/** Whether the entry alone is enough to choose the manifest. */
function isDescribed({ entry: { platform, artifactType } }: Candidate): boolean {
  return isCompletePlatform(platform) && !isArtifactType(artifactType);
}

/**
 * Reads the manifests and configs of entries that do not say enough, and omits those of artifacts. Stops
 * at the first image that matches exactly.
 */
async function readOthers(
  reader: ImageReader,
  candidates: readonly Candidate[],
  wanted: Platform,
  signal?: AbortSignal,
): Promise<StatedCandidate[]> {
  const read: StatedCandidate[] = [];
  for (const [number, candidate] of candidates.entries()) {
    if (number === maxReadManifests) {
      const problem = `lists more than ${maxReadManifests} manifests without a platform`;
      throw invalidDocument("image index", problem);
    }
    const stated = await readPlatform(reader, candidate, signal);
    if (stated === undefined) continue;
    read.push({ candidate, stated });
    if (isCompletePlatform(stated) && platformMatchRank(wanted, stated) === 0) break;
  }
  return read;
}

/** Combines the statements of an image's entry, its config, and outer indexes; undefined for an artifact. */
async function readPlatform(
  reader: ImageReader,
  { entry, inherited }: Candidate,
  signal?: AbortSignal,
): Promise<StatedPlatform | undefined> {
  const { document } = await readManifest(reader, entry, signal);
  if (document.kind !== "manifest" || !isImage(document)) return undefined;
  const { config } = await readImageConfig(reader, document.config, signal);
  const stated = combinePlatforms(entry.platform, config, inherited);
  return isAttestationPlatform(stated) ? undefined : stated;
}

/** The first of the best matches: the order in an index is the publisher's preference. */
function bestMatch(
  candidates: readonly StatedCandidate[],
  wanted: Platform,
): Candidate | undefined {
  let best: { rank: number; candidate: Candidate } | undefined;
  for (const { candidate, stated } of candidates.filter(hasArchitecture)) {
    const rank = platformMatchRank(wanted, assumePlatform(stated, wanted));
    if (rank !== undefined && (!best || rank < best.rank)) best = { rank, candidate };
  }
  return best?.candidate;
}

/**
 * The only candidate that may be for the wanted platform because it does not state its architecture.
 * @throws OciClientError PLATFORM_NOT_FOUND if there are several
 */
function onlyUnknown(
  candidates: readonly StatedCandidate[],
  wanted: Platform,
): Candidate | undefined {
  const unknown = candidates.filter(
    (each) =>
      !hasArchitecture(each) &&
      platformMatchRank(wanted, assumePlatform(each.stated, wanted)) !== undefined,
  );
  const [first, ...others] = unknown.map(({ candidate }) => candidate);
  if (others.length === 0) return first;
  const message = `${unknown.length} images in the index do not say which platform they are for.`;
  const digests = unknown.slice(0, maxListedDigests).map((each) => each.candidate.entry.digest);
  throw new OciClientError("PLATFORM_NOT_FOUND", message, {
    hint: `Select one by its digest: ${digests.join(", ")}${unknown.length > maxListedDigests ? ", …" : ""}.`,
  });
}

function platformsOf(candidates: readonly StatedCandidate[], wanted: Platform): Platform[] {
  return candidates.filter(hasArchitecture).map(({ stated }) => assumePlatform(stated, wanted));
}

function hasArchitecture({ stated }: StatedCandidate): boolean {
  return stated.architecture !== undefined;
}
