import type { Blob } from "../sources/index.js";
import { findProgram } from "../support/index.js";
import { checkGzipEnd, gunzip } from "./gzip.js";
import { detectCompression } from "./magic-numbers.js";
import { pipeThrough } from "./pipe-through.js";
import { unzstd } from "./zstd.js";

/**
 * The plain tar of a layer, from its blob: gzip with any number of members, zstd with several
 * and skippable frames, or plain. Each chunk is good until the next is asked for. The programs
 * igzip and zstd are used where they are found: they are faster than what Node has.
 * @throws FormatError where the compressed data are damaged or cut short
 */
export async function* decode(blob: Blob, signal: AbortSignal): AsyncGenerator<Buffer> {
  switch (await detectCompression(blob)) {
    case "gzip": {
      const igzip = await findProgram("igzip");
      if (igzip === undefined) yield* gunzip(blob);
      else yield* checkGzipEnd(blob, pipeThrough(igzip, ["-d", "-c"], blob, signal), signal);
      break;
    }
    case "zstd": {
      const zstd = await findProgram("zstd");
      if (zstd === undefined) yield* unzstd(blob, signal);
      else yield* pipeThrough(zstd, ["-d", "-c", "-q", "--no-progress"], blob, signal);
      break;
    }
    default:
      yield* blob.read();
  }
}
