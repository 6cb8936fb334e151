import { parseOsRelease } from "./os-release.js";

/** The description of a Kairos image in its own release file. */
export interface KairosRelease {
  readonly flavor: string | undefined;
  readonly flavorRelease: string | undefined;
  readonly variant: string | undefined;
  readonly architecture: string | undefined;
  readonly model: string | undefined;
  readonly release: string | undefined;
  readonly softwareVersion: string | undefined;
  readonly softwareVersionPrefix: string | undefined;
  readonly fips: boolean;
  readonly trustedBoot: boolean;
  /** The complete artifact name, which older images carry. */
  readonly artifact: string | undefined;
}

/** Kairos from about v3.3 on has the keys in the first of these, earlier versions in the second. */
export const releaseFiles = ["/etc/kairos-release", "/etc/os-release"] as const;

/** Reads the contents of the release files that an image has. The first file has precedence. */
export function parseKairosRelease(files: readonly Buffer[]): KairosRelease {
  const maps = files.map(parseOsRelease);
  const value = (...keys: string[]): string | undefined => {
    for (const map of maps) {
      for (const key of keys) {
        const found = map.get(`KAIROS_${key}`);
        if (found !== undefined && found !== "") return found;
      }
    }
    return undefined;
  };
  return {
    flavor: value("FLAVOR"),
    flavorRelease: value("FLAVOR_RELEASE"),
    variant: value("VARIANT"),
    architecture: value("ARCH", "TARGETARCH"),
    model: value("MODEL"),
    // Not KAIROS_VERSION, which on older images includes the Kubernetes version.
    release: value("RELEASE"),
    softwareVersion: value("SOFTWARE_VERSION"),
    softwareVersionPrefix: value("SOFTWARE_VERSION_PREFIX"),
    fips: value("FIPS") === "true",
    trustedBoot: value("TRUSTED_BOOT") === "true",
    artifact: value("ARTIFACT"),
  };
}

/** The release as JSON files describe it: null if the image does not say. */
export interface ReleaseSummary {
  readonly flavor: string | null;
  readonly flavorRelease: string | null;
  readonly variant: string | null;
  readonly model: string | null;
  readonly release: string | null;
  /** Version of the Kubernetes distribution, for example `k3sv1.31.2+k3s1`. */
  readonly kubernetes: string | null;
  readonly fips: boolean;
}

export function summarizeRelease(release: KairosRelease): ReleaseSummary {
  const { softwareVersion, softwareVersionPrefix } = release;
  return {
    flavor: release.flavor ?? null,
    flavorRelease: release.flavorRelease ?? null,
    variant: release.variant ?? null,
    model: release.model ?? null,
    release: release.release ?? null,
    kubernetes:
      softwareVersion === undefined ? null : `${softwareVersionPrefix ?? ""}${softwareVersion}`,
    fips: release.fips,
  };
}
