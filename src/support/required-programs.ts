import { access } from "node:fs/promises";
import { NetbootError } from "./errors.js";
import { findProgram } from "./which.js";

/**
 * The path of a program that only some options need.
 * @param debianPackage the package to install if the program is missing
 * @throws NetbootError PROGRAM_MISSING
 */
export async function requireProgram(name: string, debianPackage: string): Promise<string> {
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw missing(`The program ${name} is not on PATH.`, debianPackage);
}

/**
 * The first of these paths that exists.
 * @param what a description of the file, for the message
 * @param debianPackage the package to install if all are missing
 * @throws NetbootError PROGRAM_MISSING
 */
export async function requireFile(
  paths: readonly string[],
  what: string,
  debianPackage: string,
): Promise<string> {
  const path = await firstExisting(paths);
  if (path !== undefined) return path;
  throw missing(`There is no ${what}: ${paths.join(", ")}.`, debianPackage);
}

/** The first of these paths that exists; undefined if none does. */
export async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}

function missing(message: string, debianPackage: string): NetbootError {
  return new NetbootError(
    "PROGRAM_MISSING",
    message,
    `Install the package ${debianPackage}: apt-get install ${debianPackage}`,
  );
}
