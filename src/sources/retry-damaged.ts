import { NetbootError } from "../support/index.js";
import type { ImageSource } from "./image-source/image-source.js";

/** Attempts after the first: each costs one mirror at least, or what is kept. */
const mostRepetitions = 5;

/**
 * Does a job again where wrong bytes were found that are gone by then: kept ones that were damaged, or
 * those of a mirror that is not asked again.
 * @param onAgain told why it is done again
 * @throws the job's error; that of what came wrong, where it came wrong once more
 */
export async function retryDamaged<Result>(
  job: () => Promise<Result>,
  onAgain: (text: string) => void,
): Promise<Result> {
  let isRepaired = false;
  for (let again = 0; ; again += 1) {
    try {
      return await job();
    } catch (error) {
      const isLast = again === mostRepetitions || (isRepaired && !isOfMirror(error));
      if (isLast || !isWorthAnotherAttempt(error)) throw wrongTwice(error, isRepaired) ?? error;
      isRepaired ||= !isOfMirror(error);
      onAgain(`${error.message} It is fetched again.`);
    }
  }
}

function isWorthAnotherAttempt(error: unknown): error is NetbootError {
  return isOfMirror(error) || (error instanceof NetbootError && error.code === "CACHE_DAMAGED");
}

/** The mirror is not asked again, so the next attempt is another one. */
function isOfMirror(error: unknown): boolean {
  return error instanceof NetbootError && error.code === "MIRROR_DAMAGED";
}

/** What came wrong, came wrong again, and no third time would help. */
function wrongTwice(error: unknown, isRepaired: boolean): NetbootError | undefined {
  const cause = isRepaired && error instanceof NetbootError ? error.cause : undefined;
  return cause instanceof NetbootError && cause.code === "BLOB_MISMATCH" ? cause : undefined;
}

/**
 * The error for blobs with wrong bytes, which are forgotten, where such may be the cause of another
 * error; undefined where there are none.
 */
export async function findDamage(
  error: unknown,
  source: ImageSource,
): Promise<NetbootError | undefined> {
  const codes = ["LAYER_DAMAGED", "LAYER_MISMATCH", "BLOB_MISMATCH"];
  if (!(error instanceof NetbootError) || !codes.includes(error.code)) return undefined;
  const damage = await source.dropDamaged();
  if (damage === undefined) return undefined;
  return new NetbootError(damage.code, damage.message, damage.hint, { cause: error });
}
