import { resolve } from "node:path";
import { tryProgram } from "../support/index.js";

/**
 * The contents of small text files in a squashfs, one after the other. Skips those that do not exist.
 * @param unsquashfs path of the program
 * @param files in the squashfs
 * @returns at most 1 MiB
 * @throws NetbootError INTERRUPTED
 */
export async function readSquashfsFiles(
  unsquashfs: string,
  path: string,
  files: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  // unsquashfs reports an error for each file that does not exist, and prints the others.
  const { stdout } = await tryProgram(unsquashfs, ["-cat", resolve(path), ...files], { signal });
  return stdout;
}
