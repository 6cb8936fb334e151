import { NetbootError, systemCode } from "../../support/index.js";

/**
 * Runs an action on a cache directory, and turns system errors into an error that names it.
 * @throws NetbootError CACHE_NOT_WRITABLE
 */
export async function withCacheErrors<Result>(
  directory: string,
  action: () => Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof NetbootError || code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new NetbootError(
      "CACHE_NOT_WRITABLE",
      `The cache directory ${directory} cannot be read or written (${code}).`,
      "Run this as the user who owns the cache, or select another directory with --cache-dir.",
      { cause: error },
    );
  }
}
