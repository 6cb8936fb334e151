import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Blob } from "../sources/index.js";
import { NetbootError } from "../support/index.js";
import { FormatError } from "../tar/index.js";
import { ChildOutput } from "./child-output.js";
import { feed } from "./feed.js";

/** Characters of what a program says that are worth passing on. */
const mostWords = 1000;

/**
 * The output of a decompressor that reads the blob on standard input; each chunk is good until the
 * next is asked for. A blob that is complete and a file of its own is handed over as an open file,
 * so its bytes do not pass through this process.
 * @throws FormatError with the program's words when it finds fault with the blob;
 *   NetbootError DECOMPRESSOR_FAILED when it is ended by a signal; the error of starting it
 */
export async function* pipeThrough(
  program: string,
  args: readonly string[],
  blob: Blob,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  // Without it (no place for the socket, say) everything takes a little longer.
  const output = await ChildOutput.open().catch(() => undefined);
  const isWholeFile = blob.isComplete && blob.offset === undefined;
  const file = isWholeFile ? await open(blob.path) : undefined;
  const stdio = [file?.fd ?? "pipe", output?.childEnd ?? "pipe", "pipe"] as const;
  const child = spawn(program, args, { stdio: [...stdio] });
  output?.childEnd.destroy();
  const ended = endOf(child);
  // Whoever stops reading before the end does not ask how it ended.
  ended.catch(() => {});
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const fed = file === undefined ? feed(blob, child.stdin!) : file.close();
  // The decompressor would wait forever for what does not come.
  fed.catch(kill);
  try {
    yield* output?.read() ?? (child.stdout as AsyncIterable<Buffer>);
    await fed;
    await ended;
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    output?.close();
    // What kept the bytes from coming is the reason that matters, not what followed from it.
    await fed;
  }
}

/** Settles when a decompressor has ended; rejects as `pipeThrough` says. */
function endOf(child: ChildProcess): Promise<void> {
  const name = basename(child.spawnfile);
  let words = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(0, mostWords);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (status, signal) => {
      if (status === 0) return resolve();
      if (signal !== null) return reject(killed(name, signal));
      const reason = words.trim() || `it ended with status ${status}`;
      reject(new FormatError(`${name} cannot decompress it: ${reason}`));
    });
  });
}

function killed(name: string, signal: string): NetbootError {
  return new NetbootError(
    "DECOMPRESSOR_FAILED",
    `${name} was ended by ${signal} while it decompressed a layer.`,
    "Run the command again; the system may have been short of memory.",
  );
}
