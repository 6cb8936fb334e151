import { OciClientError } from "./oci-client-error.js";
import { sanitize } from "./sanitize.js";

/** What an image runs on, in Go's names (OCI image spec, image-index.md, "platform"). */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

const componentPattern = /^[a-z0-9_.-]{1,64}$/;

/** Names of one architecture, as uname, Debian and people write them; as containerd reads them. */
const architectureAliases: Record<string, { architecture: string; variant?: string }> = {
  i386: { architecture: "386" },
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/** The variant that an architecture's bare name stands for. */
const baselineVariants: Record<string, number> = { amd64: 1, arm: 7, arm64: 8 };

const knownArchitectures = new Set(
  "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x".split(" "),
);

const nodeArchitectures: Record<string, string> = {
  ia32: "386",
  x64: "amd64",
  mipsel: "mipsle",
  // Node's ppc64 is little-endian on Linux.
  ppc64: "ppc64le",
};

/**
 * Reads `os/architecture[/variant]`, or an architecture alone, which means Linux.
 * @throws OciClientError PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/", 4);
  const [os, architecture, variant] = parts.length === 1 ? ["linux", parts[0]] : parts;
  const wellFormed = parts.length <= 3 && parts.every((part) => componentPattern.test(part));
  if (wellFormed && os && architecture) {
    const platform = normalizePlatform({ os, architecture, variant });
    // A word alone is an architecture only if it is a known one: "linux" is not.
    if (parts.length > 1 || knownArchitectures.has(platform.architecture)) return platform;
  }
  throw new OciClientError("PLATFORM_INVALID", `"${sanitize(text)}" is not a platform.`, {
    hint: "Write os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7.",
  });
}

/** The same platform in the one spelling used for comparing: amd64 and arm64 bare, arm with variant. */
export function normalizePlatform({ os, architecture, variant }: Platform): Platform {
  const name = architecture.toLowerCase();
  const known = Object.hasOwn(architectureAliases, name) ? architectureAliases[name] : undefined;
  const arch = known?.architecture ?? name;
  const level = normalizeVariant(arch, known?.variant ?? variant?.toLowerCase());
  return { os: os.toLowerCase(), architecture: arch, ...(level && { variant: level }) };
}

/** The platform of this machine, as images are meant: always Linux, whatever runs this program. */
export function hostPlatform(): Platform {
  const architecture = nodeArchitectures[process.arch] ?? process.arch;
  return normalizePlatform({ os: "linux", architecture });
}

/** `os/architecture[/variant]`, which `parsePlatform` reads back. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/**
 * How well an image for `offered` serves a machine that is `wanted`: 0 is best, undefined is not at
 * all. An older variant runs on a newer machine (arm v8 → v7 → v6 → v5), never the other way.
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
  // Arm alone is spelt out, since hardware and images of v5 to v8 are all called arm.
  if (architecture === "arm") return name ?? baseline;
  return name === baseline ? undefined : name;
}

/** NaN, which compares with nothing, for a variant that has no order. */
function variantLevel({ architecture, variant }: Platform): number {
  const baseline = Object.hasOwn(baselineVariants, architecture)
    ? baselineVariants[architecture]!
    : Number.NaN;
  return variant === undefined ? baseline : Number(/^v(\d{1,3})$/.exec(variant)?.[1] ?? Number.NaN);
}
