import { stat } from "node:fs/promises";
import { systemCode } from "../support/index.js";

/**
 * Why a path cannot be read as a file, if so. Refuses pipes, which would have to be waited for, and
 * devices, which may never end.
 */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? undefined : "is not a file";
  } catch (error) {
    return unreadable(error);
  }
}

/** @throws the error itself if it is not a system error */
export function unreadable(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code === "ENOENT" ? "is missing" : `cannot be read (${code})`;
}
