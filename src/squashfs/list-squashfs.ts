import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { type ProgramEnd, startProgram } from "../support/index.js";

export interface SquashfsListing {
  /** Number of entries, including the root directory. */
  readonly entries: number;
  /** unsquashfs's own words if it reports a problem. */
  readonly problem: string | undefined;
}

export interface ListSquashfsOptions {
  readonly signal: AbortSignal;
  /** Receives each path: absolute, bytes as latin1. */
  readonly onPath: (path: string) => void;
}

/**
 * Lists a squashfs with unsquashfs, which reads all inodes and directories for that, but no
 * contents.
 * @param unsquashfs path of the program
 */
export async function listSquashfs(
  unsquashfs: string,
  path: string,
  { signal, onPath }: ListSquashfsOptions,
): Promise<SquashfsListing> {
  // An absolute path cannot be mistaken for an option.
  const { child, ended } = startProgram(unsquashfs, ["-d", "", "-l", resolve(path)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  let entries = 0;
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout.setEncoding("latin1") })) {
      if (!line.startsWith("/")) continue;
      entries += 1;
      onPath(line);
    }
  }
  const problem = await ended.then(describeProblem, (error: Error) => error.message);
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  return { entries, problem };
}

function describeProblem({ exitCode, signal, stderr }: ProgramEnd): string | undefined {
  // If there are several lines, the last one is the most specific.
  const lastLine = stderr.split("\n").at(-1);
  if (lastLine !== undefined && lastLine !== "") return lastLine;
  if (exitCode === 0) return undefined;
  return `unsquashfs: ${signal === null ? `exit status ${exitCode}` : `killed by ${signal}`}`;
}
