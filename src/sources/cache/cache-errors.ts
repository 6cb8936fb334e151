import { NetbootError, systemCode } from "../../support/index.js";

/** Gives what the system refuses in a cache directory the cache's name. */
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
      `The cache directory ${directory} cannot be read and written (${code}).`,
      "Run this as the user whose cache it is, or name another with --cache-dir.",
      { cause: error },
    );
  }
}
