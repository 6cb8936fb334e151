import { NetbootError } from "../support/index.js";
import type { ImageSource } from "./image-source/image-source.js";
import { retryRules } from "./image-source/retry-rules.js";

/** How many times a job is repeated after an error of each code. */
const maxRepeats = {
  CACHE_DAMAGED: retryRules.cacheDamaged.limit,
  MIRROR_DAMAGED: retryRules.mirrorDamaged.limit,
};

/** Errors that damaged blobs can cause. */
const codesOfDamage = ["LAYER_DAMAGED", "LAYER_MISMATCH", "BLOB_MISMATCH"];

/**
 * Repeats a job that met wrong bytes, after these have been removed: they came from the cache, or from
 * a mirror that is not asked again.
 * @param onRepeat receives the reason
 * @throws the job's error. If the registry sent wrong bytes a second time, that is BLOB_MISMATCH.
 */
export async function retryDamaged<Result>(
  job: () => Promise<Result>,
  onRepeat: (text: string) => void,
): Promise<Result> {
  const repeats = { CACHE_DAMAGED: 0, MIRROR_DAMAGED: 0 };
  for (;;) {
    try {
      return await job();
    } catch (error) {
      if (!isRepeatable(error) || repeats[error.code] >= maxRepeats[error.code]) {
        throw (repeats.CACHE_DAMAGED > 0 && mismatchBehind(error)) || error;
      }
      repeats[error.code] += 1;
      onRepeat(`${error.message} Fetching it again.`);
    }
  }
}

function isRepeatable(
  error: unknown,
): error is NetbootError & { readonly code: keyof typeof maxRepeats } {
  return error instanceof NetbootError && Object.hasOwn(maxRepeats, error.code);
}

/** The mismatch that caused an error: it says more than that the bytes have been discarded. */
function mismatchBehind(error: unknown): NetbootError | undefined {
  const cause = error instanceof NetbootError ? error.cause : undefined;
  return cause instanceof NetbootError && cause.code === "BLOB_MISMATCH" ? cause : undefined;
}

/**
 * If damaged blobs may have caused an error, removes them.
 * @returns the error for them, or undefined if there are none
 */
export async function findDamage(
  error: unknown,
  source: ImageSource,
): Promise<NetbootError | undefined> {
  if (!(error instanceof NetbootError) || !codesOfDamage.includes(error.code)) return undefined;
  const damage = await source.dropDamaged();
  if (damage === undefined) return undefined;
  return new NetbootError(damage.code, damage.message, damage.hint, { cause: error });
}
