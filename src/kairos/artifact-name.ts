import { NetbootError } from "../support/index.js";
import type { KairosRelease } from "./kairos-release.js";

/** One path component, also in a URL without escapes; `+` stays, as in Kairos' own releases. */
const valid = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/;

/**
 * The name that Kairos' releases give an image's files:
 * `kairos-FLAVOR-FLAVOR_RELEASE-VARIANT-ARCH-MODEL-RELEASE[-PREFIXSOFTWARE_VERSION]`.
 * @throws NetbootError IMAGE_NO_RELEASE where the image does not say enough
 */
export function artifactName(release: KairosRelease): string {
  const name = fromTemplate(release) ?? release.artifact;
  if (name !== undefined && valid.test(name)) return name;
  const problem =
    name === undefined
      ? "does not say which Kairos release it is"
      : `names itself ${JSON.stringify(name)}, which cannot be a file name here`;
  throw new NetbootError(
    "IMAGE_NO_RELEASE",
    `The image ${problem}.`,
    "Is it a Kairos image? Give the files a name with --name NAME.",
  );
}

/** True where it has all parts that a name is made of. */
export function hasName(release: KairosRelease): boolean {
  return fromTemplate(release) !== undefined;
}

/** @throws NetbootError USAGE_INVALID */
export function checkedName(name: string): string {
  if (valid.test(name)) return name;
  throw new NetbootError(
    "USAGE_INVALID",
    `${JSON.stringify(name)} cannot be used as --name.`,
    "Use letters, digits, dots, dashes, underscores and plus signs, 200 at the most.",
  );
}

/**
 * The Kairos version in the name of a release's files, as `v2.4.2`; undefined where there is none.
 * That of the Kubernetes distribution behind it has the distribution's name before it.
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
