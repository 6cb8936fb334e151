import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { checkout } from "../../support/checkout.js";
import { sharedDirectory } from "./temporary-directory.js";

/** Seen from `.build/test/extract/support/`. */
export const demoImage = `oci:${join(checkout, "testdata/demo-image")}`;
/** How the files of that image are called: its release file, put together as facts say. */
export const demoName = "kairos-demo-1-core-amd64-generic-v0.1.0";

export interface Outcome {
  /** The exit status; null where a signal ended the program. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Working directory and home directory of the program. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the program, such as those of setpriv. */
  readonly prefix?: readonly string[];
  /** Directory of the program; the checkout by default. */
  readonly program?: string;
  /** True for a process group of its own, such as a shell gives to what it runs. */
  readonly detached?: boolean;
}

/** Starts kairos-netboot as it was built, with nothing of the caller's environment but PATH. */
export function startProgram(args: readonly string[], options: RunOptions) {
  const { cwd, env = {}, prefix = [], program = checkout, detached = false } = options;
  const words = [...prefix, process.execPath, join(program, "bin/kairos-netboot.js"), ...args];
  return spawn(words[0]!, words.slice(1), {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached,
  });
}

export async function runProgram(args: readonly string[], options: RunOptions): Promise<Outcome> {
  return outcomeOf(startProgram(args, options));
}

export async function outcomeOf(child: ReturnType<typeof startProgram>): Promise<Outcome> {
  const [[status], stdout, stderr] = await Promise.all([
    once(child, "close") as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status, stdout, stderr };
}

/** Runs what follows as a user who owns nothing. */
export const ordinaryUser = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

let copy: Promise<string> | undefined;

/** A copy of the program for users who cannot read the checkout; each test process makes one. */
export function copyOfProgram(): Promise<string> {
  copy ??= copyProgram();
  return copy;
}

async function copyProgram(): Promise<string> {
  const directory = await sharedDirectory();
  await chmod(directory, 0o755);
  for (const name of ["bin", "dist"]) await mkdir(join(directory, name));
  const bundle = (await readdir(join(checkout, "dist"))).filter((name) => name.endsWith(".js"));
  const files = bundle.map((name) => join("dist", name));
  for (const file of ["package.json", "bin/kairos-netboot.js", ...files]) {
    await copyFile(join(checkout, file), join(directory, file));
  }
  await succeed("chmod", ["-R", "a+rX", directory]);
  return directory;
}

/** Runs another program and insists on its success. */
export async function succeed(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<Outcome> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const outcome = await outcomeOf(child);
  if (outcome.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${outcome.stderr}`);
  return outcome;
}
