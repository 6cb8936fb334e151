import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { NetbootJson } from "../artifacts/index.js";
import { parsePlatform } from "../oci-client/index.js";
import {
  checkRegistryAccess,
  defaultCacheDirectory,
  openSource,
  type RegistryAccess,
  translateError,
} from "../sources/index.js";
import { createScratchDirectory, NetbootError, programVersion } from "../support/index.js";
import { type Check, failed, ok, unchecked } from "./check.js";

/** How long to retry a registry that fails. */
const retryTimeoutMs = 60_000;

/** Checks that the reference that the files were made from still resolves to the same image. */
export async function checkSource(
  netbootJson: NetbootJson | undefined,
  registry: RegistryAccess | undefined,
  signal: AbortSignal,
): Promise<Check> {
  if (netbootJson === undefined) {
    return unchecked("source", "without netboot.json the image is unknown");
  }
  const { reference, manifestDigest, platform } = netbootJson.source;
  if (reference === "-") return unchecked("source", "the image came from standard input");
  const scratch = await createScratchDirectory();
  try {
    const source = openSource(reference, {
      cacheDirectory: defaultCacheDirectory(),
      scratchDirectory: join(scratch, "source"),
      concurrency: 1,
      registry: checkRegistryAccess(registry),
      retry: { totalMs: retryTimeoutMs },
      userAgent: `kairos-netboot/${programVersion()}`,
      signal,
    });
    try {
      const { digest } = await source.resolve(parsePlatform(platform));
      if (digest === manifestDigest) return ok("source", `${reference} is still ${digest}`);
      return failed(
        "source",
        `${reference} is now ${digest}, but the files were made from ${manifestDigest}`,
      );
    } finally {
      await source.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    // The platform comes from a file and may be invalid.
    const problem = translateError(error);
    if (!(problem instanceof NetbootError)) throw error;
    return failed("source", `${reference} cannot be resolved: ${problem.message}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
