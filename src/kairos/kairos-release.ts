import { parseReleaseFile } from "./release-file.js";

/** What a Kairos image says of itself in its release file. */
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
  /** The finished artifact name that older images carry. */
  readonly artifact: string | undefined;
}

/** In this order: from about v3.3 the first exists, before it the keys stand in the second. */
export const releaseFiles = ["/etc/kairos-release", "/etc/os-release"] as const;

/** Reads the facts from the release files that exist, the first having precedence. */
export function kairosRelease(files: readonly Buffer[]): KairosRelease {
  const maps = files.map(parseReleaseFile);
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
    // KAIROS_VERSION holds the Kubernetes version as well on older images.
    release: value("RELEASE"),
    softwareVersion: value("SOFTWARE_VERSION"),
    softwareVersionPrefix: value("SOFTWARE_VERSION_PREFIX"),
    fips: value("FIPS") === "true",
    trustedBoot: value("TRUSTED_BOOT") === "true",
    artifact: value("ARTIFACT"),
  };
}

/** The same for `netboot.json` and the like: null where the image does not say. */
export interface ReleaseSummary {
  flavor: string | null;
  flavorRelease: string | null;
  variant: string | null;
  model: string | null;
  release: string | null;
  /** Version of the Kubernetes distribution, for example `k3sv1.31.2+k3s1`. */
  kubernetes: string | null;
  fips: boolean;
}

export function summaryOf(release: KairosRelease): ReleaseSummary {
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
