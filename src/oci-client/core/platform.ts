import { OciClientError } from "./oci-client-error.js";
import { sanitize } from "./sanitize.js";

/** What an image runs on, in Go's names (OCI image spec, image-index.md, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const componentPattern = /^[a-z0-9_.-]{1,64}$/;

/** A platform as an index or a config states it. Empty strings count as absent. */
export type StatedPlatform = Partial<Platform>;

/** Names that uname, Debian, and people use for an architecture, as containerd reads them. */
const architectureAliases: Readonly<Record<string, Pick<Platform, "architecture" | "variant">>> = {
  i386: { architecture: "386" },
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/** The variant that an architecture's name means if it stands alone. */
const baselineVariants: Readonly<Record<string, number>> = { amd64: 1, arm: 7, arm64: 8 };

const knownArchitectures = new Set(
  "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x".split(" "),
);

const nodeArchitectures: Readonly<Record<string, string>> = {
  ia32: "386",
  x64: "amd64",
  mipsel: "mipsle",
  // Node's ppc64 is little-endian on Linux.
  ppc64: "ppc64le",
};

/**
 * Parses `os/architecture[/variant]`, or an architecture alone, which means Linux.
 * @throws OciClientError PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/", 4);
  const [os, architecture, variant] = parts.length === 1 ? ["linux", parts[0]] : parts;
  const wellFormed = parts.length <= 3 && parts.every((part) => componentPattern.test(part));
  if (wellFormed && os && architecture) {
    const platform = normalizePlatform({ os, architecture, variant });
    // A single word must be a known architecture, so that "linux" is refused.
    if (parts.length > 1 || knownArchitectures.has(platform.architecture)) return platform;
  }
  throw new OciClientError("PLATFORM_INVALID", `"${sanitize(text)}" is not a platform.`, {
    hint: "Write os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7.",
  });
}

/** Returns the spelling that platforms are compared in: amd64 and arm64 alone, arm with its variant. */
export function normalizePlatform({ os, architecture, variant }: Platform): Platform {
  const name = architecture.toLowerCase();
  const known = Object.hasOwn(architectureAliases, name) ? architectureAliases[name] : undefined;
  const arch = known?.architecture ?? name;
  const level = normalizeVariant(arch, known?.variant ?? variant?.toLowerCase());
  return { os: os.toLowerCase(), architecture: arch, ...(level && { variant: level }) };
}

/** Takes each part of a platform from the first statement that has it. A variant belongs to its architecture. */
export function combinePlatforms(
  ...statements: readonly (StatedPlatform | undefined)[]
): StatedPlatform {
  const os = statements.find((stated) => stated?.os)?.os;
  const { architecture, variant } = statements.find((stated) => stated?.architecture) ?? {};
  return { ...(os && { os }), ...(architecture && { architecture }), ...(variant && { variant }) };
}

/** Whether a platform is stated completely. A variant is optional. */
export function isCompletePlatform(stated: StatedPlatform | undefined): stated is Platform {
  return Boolean(stated?.os && stated.architecture);
}

/** Completes a platform with the parts of the wanted one that it does not state. */
export function assumePlatform(stated: StatedPlatform, wanted: Platform): Platform {
  const os = stated.os || wanted.os;
  const { architecture, variant } = stated;
  return architecture ? { os, architecture, ...(variant && { variant }) } : { ...wanted, os };
}

/** The platform of this machine for images: always Linux, whatever system runs this program. */
export function hostPlatform(): Platform {
  const architecture = nodeArchitectures[process.arch] ?? process.arch;
  return normalizePlatform({ os: "linux", architecture });
}

/** Formats a platform as `os/architecture[/variant]`, which `parsePlatform` reads. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/**
 * How well an image for `offered` suits a machine of the platform `wanted`. An older variant runs on a
 * newer machine (arm v8 → v7 → v6 → v5), never the other way.
 * @returns 0 for the best match, more for older variants, undefined if the image does not run there
 */
export function platformMatchRank(wanted: Platform, offered: Platform): number | undefined {
  const want = normalizePlatform(wanted);
  const offer = normalizePlatform(offered);
  if (want.os !== offer.os || want.architecture !== offer.architecture) return undefined;
  if (want.variant === offer.variant) return 0;
  const distance = variantLevel(want) - variantLevel(offer);
  return distance >= 0 ? distance : undefined;
}

function normalizeVariant(architecture: string, variant?: string): string | undefined {
  const name = variant && /^\d/.test(variant) ? `v${variant}` : variant || undefined;
  const baseline = Object.hasOwn(baselineVariants, architecture)
    ? `v${baselineVariants[architecture]}`
    : undefined;
  // Hardware and images from v5 to v8 are all called arm, so its variant is always written.
  if (architecture === "arm") return name ?? baseline;
  return name === baseline ? undefined : name;
}

/** @returns NaN, which compares with nothing, for a variant that has no order */
function variantLevel({ architecture, variant }: Platform): number {
  if (variant !== undefined) return Number(/^v(\d{1,3})$/.exec(variant)?.[1] ?? Number.NaN);
  const isKnown = Object.hasOwn(baselineVariants, architecture);
  return (isKnown ? baselineVariants[architecture] : undefined) ?? Number.NaN;
}
