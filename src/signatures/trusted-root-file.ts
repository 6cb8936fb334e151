import { NetbootError, readSmallFile, systemCode } from "../support/index.js";

/** A trusted root as the user gave it. */
export interface TrustedRootFile {
  readonly path: string;
  readonly text: string;
}

/** @throws NetbootError TRUSTED_ROOT_INVALID if the file cannot be read */
export async function readTrustedRootFile(path: string): Promise<TrustedRootFile> {
  try {
    return { path, text: (await readSmallFile(path)).toString("utf8") };
  } catch (error) {
    const code = systemCode(error);
    if (code === "EFBIG") throw trustedRootInvalid(path, "is too large for a trusted root");
    throw new NetbootError(
      "TRUSTED_ROOT_INVALID",
      `The trusted root ${path} cannot be read (${code}).`,
      "Check its path and permissions.",
    );
  }
}

/** @param problem a predicate */
export function trustedRootInvalid(path: string, problem: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "TRUSTED_ROOT_INVALID",
    `The file ${path} ${problem}.`,
    "Give a trusted_root.json, as sigstore publishes it.",
    { cause },
  );
}
