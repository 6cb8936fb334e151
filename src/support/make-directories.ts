import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemCode } from "./errors.js";

/**
 * Creates a directory and its missing parents. Node's own `recursive` option loops forever if the
 * system reports ENOENT below a directory that exists, as in /proc.
 * @param mode of each new directory, reduced by the umask; 0777 by default
 * @returns the absolute path of the topmost directory that was created; undefined if all existed
 * @throws the system's error: EEXIST if the path is not a directory, ENOTDIR if a parent is not one
 */
export async function makeDirectories(path: string, mode?: number): Promise<string | undefined> {
  const missing: string[] = [];
  let place = resolve(path);
  for (; !(await exists(place)); place = dirname(place)) missing.unshift(place);
  // If nothing is missing, this throws for a path that is not a directory.
  if (missing.length === 0) await makeOne(place, mode);
  let first: string | undefined;
  for (const each of missing) {
    if (await makeOne(each, mode)) first ??= each;
  }
  return first;
}

/** False if the directory exists; another process may just have created it. */
async function makeOne(path: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    const isDirectory = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isDirectory) throw error;
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    return false;
  }
}
