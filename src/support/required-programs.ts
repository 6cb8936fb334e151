import { access } from "node:fs/promises";
import { interrupted, NetbootError } from "./errors.js";
import { findProgram } from "./which.js";

/** Bytes of what a program says that are kept. */
const longestOutput = 1024 * 1024;
const patience = 5 * 60_000;

/**
 * The path of a program that not everybody needs.
 * @param debianPackage what to install where it is missing
 * @throws NetbootError PROGRAM_MISSING
 */
export async function neededProgram(name: string, debianPackage: string): Promise<string> {
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw missing(`The program ${name} is not on PATH.`, debianPackage);
}

/**
 * The first of these files that is there.
 * @param what the file, in words
 * @throws NetbootError PROGRAM_MISSING
 */
export async function neededFile(
  paths: readonly string[],
  what: string,
  debianPackage: string,
): Promise<string> {
  const path = await firstThere(paths);
  if (path !== undefined) return path;
  throw missing(`There is no ${what}: ${paths.join(", ")}.`, debianPackage);
}

export async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program to its end, with no words of the caller's language or time zone.
 * @returns what it printed
 * @throws NetbootError PROGRAM_FAILED, INTERRUPTED
 */
export async function runNeeded(
  path: string,
  args: readonly string[],
  { cwd, env = {}, signal }: RunOptions = {},
): Promise<string> {
  const { execa } = await import("execa");
  const result = await execa(path, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC", ...env },
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    maxBuffer: longestOutput,
    // Without a terminal nothing can ask the user for a passphrase.
    detached: true,
    timeout: patience,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (signal?.aborted) throw interrupted();
  if (result.exitCode === 0) return String(result.stdout);
  const words = String(result.stderr).trim().split("\n").slice(-3).join("; ");
  throw new NetbootError(
    "PROGRAM_FAILED",
    `${path} failed: ${words.replace(/[.!]+$/, "") || `it ended with ${result.exitCode ?? result.signal}`}.`,
    "Run the command again with --verbose; what it was given lies in the message.",
    { cause: result },
  );
}

function missing(message: string, debianPackage: string): NetbootError {
  return new NetbootError(
    "PROGRAM_MISSING",
    message,
    `Install the package ${debianPackage}: apt-get install ${debianPackage}`,
  );
}
