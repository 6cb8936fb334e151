import { NetbootError } from "../support/index.js";
import type { KairosRelease } from "./kairos-release.js";

/**
 * A single path component that needs no escapes in a URL. `+` stays as it is, as in Kairos's own
 * releases.
 */
const validName = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/;

/**
 * The name that Kairos's releases give an image's files:
 * `kairos-FLAVOR-FLAVOR_RELEASE-VARIANT-ARCH-MODEL-RELEASE[-PREFIXSOFTWARE_VERSION]`.
 * @throws NetbootError IMAGE_NO_RELEASE if the image does not say enough
 */
export function artifactName(release: KairosRelease): string {
  const name = fromTemplate(release) ?? release.artifact;
  if (name !== undefined && validName.test(name)) return name;
  const problem =
    name === undefined
      ? "does not say which Kairos release it is"
      : `calls itself ${JSON.stringify(name)}, which is not usable as a file name`;
  throw new NetbootError(
    "IMAGE_NO_RELEASE",
    `The image ${problem}.`,
    "Is it a Kairos image? Name the files yourself with --name NAME.",
  );
}

/** Whether the release has all parts of a name. */
export function hasName(release: KairosRelease): boolean {
  return fromTemplate(release) !== undefined;
}

/**
 * Checks a name for the files that the user gave.
 * @throws NetbootError USAGE_INVALID
 */
export function checkArtifactName(name: string): string {
  if (validName.test(name)) return name;
  throw new NetbootError(
    "USAGE_INVALID",
    `${JSON.stringify(name)} cannot be used as --name.`,
    "Use at most 200 letters, digits, dots, dashes, underscores and plus signs.",
  );
}

/**
 * The Kairos version in the name of a release's files, for example `v2.4.2`; undefined if there is
 * none. The version of the Kubernetes distribution, which may follow, has a prefix and is no match.
 */
export function versionInName(name: string): string | undefined {
  return [...name.matchAll(/-(v\d+\.\d[^-]*)/g)].at(-1)?.[1];
}

function fromTemplate(release: KairosRelease): string | undefined {
  const { flavor, flavorRelease, variant, architecture, model } = release;
  const parts = [flavor, flavorRelease, variant, architecture, model, release.release];
  if (parts.some((part) => part === undefined)) return undefined;
  const { softwareVersion, softwareVersionPrefix } = release;
  const software =
    softwareVersion === undefined ? "" : `-${softwareVersionPrefix ?? ""}${softwareVersion}`;
  return `kairos-${parts.join("-")}${software}`;
}
