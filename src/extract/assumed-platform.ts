import type { ImageProgram } from "../kairos/index.js";
import { formatPlatform, type Platform } from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";
import { display } from "../tar/index.js";

/**
 * Compares the platform that an image was assumed to be for with what is in the image.
 * @param program undefined if the image contains no known program
 * @returns a warning if nothing confirms the assumption
 * @throws NetbootError PLATFORM_NOT_FOUND if it is wrong
 */
export function checkAssumedPlatform(
  platform: Platform,
  program: ImageProgram | undefined,
): string | undefined {
  const silence = "The image does not say which platform it is for";
  if (program === undefined) return `${silence}; assuming ${formatPlatform(platform)}.`;
  const { path, architecture } = program;
  if (architecture === platform.architecture) return undefined;
  throw new NetbootError(
    "PLATFORM_NOT_FOUND",
    `${silence}, but its ${display(path)} is for ${architecture} and not for ${platform.architecture}.`,
    `Pass --platform ${platform.os}/${architecture}, or choose another image.`,
  );
}
