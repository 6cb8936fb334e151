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

/** Milliseconds that a registry that fails is asked again. */
const patience = 60_000;

/** Whether the reference that the files were made from still leads to the same image. */
export async function checkSource(
  description: NetbootJson | undefined,
  registry: RegistryAccess | undefined,
  signal: AbortSignal,
): Promise<Check> {
  if (description === undefined) {
    return unchecked("source", "without netboot.json nothing is known of the image");
  }
  const { reference, manifestDigest, platform } = description.source;
  if (reference === "-") return unchecked("source", "the image came on standard input");
  const scratch = await createScratchDirectory();
  try {
    const source = openSource(reference, {
      cacheDirectory: defaultCacheDirectory(),
      scratchDirectory: join(scratch, "source"),
      concurrency: 1,
      registry: checkRegistryAccess(registry),
      retry: { totalMs: patience },
      userAgent: `kairos-netboot/${programVersion()}`,
      signal,
    });
    try {
      const { digest } = await source.resolve(parsePlatform(platform));
      if (digest === manifestDigest) return ok("source", `${reference} is still ${digest}`);
      return failed(
        "source",
        `${reference} is ${digest} by now, the files are of ${manifestDigest}`,
      );
    } finally {
      await source.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    // The platform is what a file says: it may be none.
    const problem = translateError(error);
    if (!(problem instanceof NetbootError)) throw error;
    return failed("source", `${reference} cannot be asked for: ${problem.message}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
