import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { interrupted, NetbootError } from "./errors.js";

const maxOutputBytes = 1024 * 1024;
const defaultTimeoutMs = 5 * 60_000;
/** Characters of standard error that are kept for an error message. */
const defaultMaxStderrLength = 1000;
const stderrLinesInMessage = 3;

export interface RunProgramOptions {
  readonly cwd?: string;
  /** Variables to set in addition to PATH, LC_ALL=C, and TZ=UTC; nothing else is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for standard input; by default, standard input is empty. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  /** undefined if the program did not start, or a signal ended it. */
  readonly exitCode: number | undefined;
  /** The name of the signal that ended the program, such as `SIGTERM`. */
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** What went wrong, if the exit code is not 0. */
  readonly cause?: unknown;
}

/**
 * Runs a program until it ends and returns what it wrote to standard output.
 * @param path from `findProgram` or `requireProgram`
 * @throws NetbootError PROGRAM_FAILED with the last lines of its standard error, INTERRUPTED
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: RunProgramOptions = {},
): Promise<string> {
  const result = await tryProgram(path, args, options);
  if (result.exitCode === 0) return result.stdout;
  throw new NetbootError(
    "PROGRAM_FAILED",
    `${path} failed: ${describeFailure(result)}.`,
    "Run the command again with --verbose to see how the program was called.",
    { cause: result.cause },
  );
}

/**
 * Runs a program until it ends. The environment does not depend on the caller's language or time
 * zone. Keeps at most 1 MiB of each output.
 * @param path from `findProgram` or `requireProgram`
 * @returns the result, also if the program failed, could not be started, or took too long
 * @throws NetbootError INTERRUPTED
 */
export async function tryProgram(
  path: string,
  args: readonly string[],
  { cwd, env = {}, input, signal, timeoutMs = defaultTimeoutMs }: RunProgramOptions = {},
): Promise<ProgramResult> {
  // execa takes 40 ms to load, and most runs of this program start none.
  const { execa } = await import("execa");
  const result = await execa(path, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC", ...env },
    extendEnv: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    reject: false,
    maxBuffer: maxOutputBytes,
    // Without a controlling terminal, the program cannot ask the user for a passphrase.
    detached: true,
    timeout: timeoutMs,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (signal?.aborted) throw interrupted();
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: String(result.stdout),
    stderr: String(result.stderr),
    cause: result,
  };
}

export interface StartProgramOptions {
  /** As for `spawn`; standard error must be a pipe, which `ended` reads. */
  readonly stdio: StdioOptions;
  /** Variables to change in this process's environment; LC_ALL is C. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives the program a process group of its own, which Ctrl-C in the terminal does not reach. */
  readonly detached?: boolean;
  readonly maxStderrLength?: number;
}

export interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The first characters of standard error, without surrounding white space. */
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  /** Resolves when the program has ended and closed its outputs; rejects if it cannot be started. */
  readonly ended: Promise<ProgramEnd>;
}

/** Starts a program whose input or output the caller streams. */
export function startProgram(
  path: string,
  args: readonly string[],
  { stdio, env = {}, detached, maxStderrLength = defaultMaxStderrLength }: StartProgramOptions,
): RunningProgram {
  const child = spawn(path, args, {
    stdio,
    env: { ...process.env, LC_ALL: "C", ...env },
    ...(detached === undefined ? {} : { detached }),
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(0, maxStderrLength);
  });
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.on("error", reject).on("close", (exitCode, signal) => {
      resolve({ exitCode, signal, stderr: stderr.trim() });
    });
  });
  // A caller that stops reading early does not await the end.
  ended.catch(() => {});
  return { child, ended };
}

/** The last lines that the program wrote to standard error, or how it ended. */
function describeFailure({ stderr, exitCode, signal, cause }: ProgramResult): string {
  const lines = stderr.trim().split("\n").slice(-stderrLinesInMessage).join("; ");
  const words = lines.replace(/[.!]+$/, "");
  if (words !== "") return words;
  if (exitCode !== undefined) return `exit status ${exitCode}`;
  if (signal !== undefined) return `ended by ${signal}`;
  return cause instanceof Error ? cause.message : "it did not start";
}
