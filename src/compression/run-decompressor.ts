import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Writable } from "node:stream";
import { NetbootError } from "../support/index.js";
import type { ByteSource, ByteStream } from "./byte-source.js";
import { ChildStdout } from "./child-stdout.js";
import { DecompressionError } from "./decompression-error.js";
import { writeSource } from "./write-source.js";

/** Characters of a program's standard error that a message quotes at most. */
const maxQuotedLength = 1000;

/**
 * Runs a program that decompresses its standard input, and yields its output. Each chunk is valid
 * until the next one is requested. A source that is complete and a whole file is handed over as an
 * open file, so its bytes do not pass through this process.
 * @throws DecompressionError with the program's own words if it rejects the data; NetbootError
 *   DECOMPRESSOR_FAILED if a signal ends it; the system's error if it cannot be started
 */
export async function* runDecompressor(
  program: string,
  args: readonly string[],
  source: ByteStream | ByteSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  // If there is no place for the socket, a plain pipe is only a little slower.
  const stdout = await ChildStdout.open().catch(() => undefined);
  const path = completeFile(source);
  const file = path === undefined ? undefined : await open(path);
  const stdio = [file?.fd ?? "pipe", stdout?.childEnd ?? "pipe", "pipe"] as const;
  const child = spawn(program, args, { stdio: [...stdio] });
  stdout?.childEnd.destroy();
  const ended = waitForEnd(child);
  // A consumer that stops reading early does not want to know how the program ended.
  ended.catch(() => {});
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const written = file === undefined ? writeSource(source, stdinOf(child)) : file.close();
  // Without its input, the program would wait forever.
  written.catch(kill);
  try {
    yield* stdout?.read() ?? (child.stdout as AsyncIterable<Buffer>);
    await written;
    await ended;
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    stdout?.close();
    // If the source failed, its error is the cause, and the program's a consequence.
    await written;
  }
}

/** The path of a source that is a complete, whole file. */
function completeFile(source: ByteStream | ByteSource): string | undefined {
  if (!("path" in source)) return undefined;
  return source.isComplete && source.offset === undefined ? source.path : undefined;
}

function stdinOf({ stdin }: ChildProcess): Writable {
  if (stdin === null) throw new Error("the program's standard input is not a pipe");
  return stdin;
}

/** Settles when a decompressor ends; rejects as `runDecompressor` says. */
function waitForEnd(child: ChildProcess): Promise<void> {
  const name = basename(child.spawnfile);
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(0, maxQuotedLength);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (status, signal) => {
      if (status === 0) return resolve();
      if (signal !== null) return reject(endedBySignal(name, signal));
      reject(new DecompressionError(words.trim() || `it ended with status ${status}`, name));
    });
  });
}

function endedBySignal(name: string, signal: string): NetbootError {
  return new NetbootError(
    "DECOMPRESSOR_FAILED",
    `${name} was ended by ${signal} while it was decompressing.`,
    "Run the command again. The system may have been short of memory.",
  );
}
