import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemCode } from "./errors.js";

/**
 * Makes a directory and those above it that are not there. Node's own `recursive` tries for ever
 * where the system says ENOENT below a directory that exists, as in /proc.
 * @param mode of each that is made, less the umask; 0777 by default
 * @returns the absolute path of the first that was made; undefined where all were there
 * @throws the system's error: EEXIST where the path is no directory, ENOTDIR where one above is none
 */
export async function makeDirectories(path: string, mode?: number): Promise<string | undefined> {
  const missing: string[] = [];
  let place = resolve(path);
  for (; !(await isThere(place)); place = dirname(place)) missing.unshift(place);
  // Where nothing is missing this tells a file from a directory.
  if (missing.length === 0) await makeOne(place, mode);
  let first: string | undefined;
  for (const each of missing) {
    if (await makeOne(each, mode)) first ??= each;
  }
  return first;
}

/** False where the directory was there, or has come meanwhile. */
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

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    return false;
  }
}
