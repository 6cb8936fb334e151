import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Blob } from "../../sources/index.js";
import { LayerFormatError } from "../layer-format-error.js";
import { ChildOutput } from "./child-output.js";
import { feed } from "./feed.js";

/**
 * The output of a decompressor that reads the blob on standard input; each chunk is good until the
 * next is asked for. A blob that is complete is handed over as an open file, so its bytes do not
 * pass through this process.
 * @throws LayerFormatError with the program's words when it fails
 */
export async function* pipeThrough(
  program: string,
  args: readonly string[],
  blob: Blob,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { execa } = await import("execa");
  const file = blob.isComplete ? await open(blob.path) : undefined;
  const output = await ChildOutput.open();
  const child = execa(program, args, {
    // execa takes any descriptor; its types list those up to 9.
    stdin: file === undefined ? "pipe" : (file.fd as 9),
    stdout: output.childEnd,
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: 500,
  });
  output.childEnd.destroy();
  const fed = file === undefined ? feed(blob, child.stdin!) : file.close();
  fed.catch(() => output.close());
  try {
    yield* output.read();
    await fed;
    const result = await child;
    if (result.exitCode !== 0) {
      const words = result.stderr.trim() || result.shortMessage || "no reason given";
      throw new LayerFormatError(`${basename(program)} cannot decompress it: ${words}`);
    }
  } finally {
    child.kill("SIGKILL");
    // What kept the bytes from coming is the reason that matters, not what followed from it.
    await fed;
  }
}
