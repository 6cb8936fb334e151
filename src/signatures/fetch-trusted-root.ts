import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import { DEFAULT_MIRROR_URL, getTrustedRoot, type TUFOptions } from "@sigstore/tuf";
import { createScratchDirectory, NetbootError, systemCode } from "../support/index.js";

/** A TUF repository; the defaults are those of the public one of sigstore. */
type TrustedRootRepository = Pick<TUFOptions, "mirrorURL" | "rootPath" | "retry">;

/**
 * Fetches the trusted root from a TUF repository, and checks its signatures.
 * @param cacheDirectory keeps the repository's metadata; undefined to keep nothing
 * @throws NetbootError TRUSTED_ROOT_UNAVAILABLE
 */
export async function fetchTrustedRoot(
  cacheDirectory: string | undefined,
  repository: TrustedRootRepository = {},
): Promise<TrustedRoot> {
  if (cacheDirectory !== undefined) return fetchInto(cacheDirectory, repository);
  const scratch = await createScratchDirectory();
  try {
    return await fetchInto(scratch, repository);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function fetchInto(
  directory: string,
  repository: TrustedRootRepository,
): Promise<TrustedRoot> {
  try {
    return await getTrustedRoot({ ...repository, cachePath: join(directory, "sigstore") });
  } catch (error) {
    throw new NetbootError(
      "TRUSTED_ROOT_UNAVAILABLE",
      `The trusted root of sigstore cannot be fetched from ${repository.mirrorURL ?? DEFAULT_MIRROR_URL} (${reasonOf(error)}).`,
      "Check the network and the proxy settings, or pass a copy: --trusted-root trusted_root.json",
      { cause: error },
    );
  }
}

/** The code or the message of the error that caused the others. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? reasonOf(cause) : (systemCode(error) ?? message);
}
