import { stat } from "node:fs/promises";
import { systemCode } from "../support/index.js";

/** What keeps a path from being read as a file; a pipe would be waited for, a device never ends. */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? undefined : "is no file";
  } catch (error) {
    return unreadable(error);
  }
}

/** @throws what is no error of the file system */
export function unreadable(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code === "ENOENT" ? "is missing" : `cannot be read (${code})`;
}
