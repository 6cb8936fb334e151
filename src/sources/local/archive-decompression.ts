import {
  DecompressionError,
  decompressStream,
  type LayerCompression,
} from "../../compression/index.js";
import { NetbootError } from "../../support/index.js";

/**
 * Decompresses an image archive. Bytes that follow the compressed data go unnoticed here, which does
 * no harm: the archive has an end of its own, and its blobs have digests.
 * @throws NetbootError LAYOUT_INVALID, ZSTD_MISSING, PROGRAM_MISSING, and what the chunks throw
 */
export async function* decompressArchive(
  compression: LayerCompression,
  chunks: AsyncIterable<Buffer>,
  where: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* decompressStream(compression, { read: () => chunks }, signal);
  } catch (error) {
    // Aborting ends the decompressor too, which would otherwise look like the cause.
    signal.throwIfAborted();
    if (error instanceof DecompressionError) throw damaged(where, error);
    if (error instanceof NetbootError && error.code === "PROGRAM_MISSING") {
      throw programMissing(compression, where);
    }
    throw error;
  }
}

function damaged(where: string, cause: DecompressionError): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} cannot be decompressed (${cause.reason}).`,
    "Save or copy the image again.",
    { cause },
  );
}

/** The program has the name of the compression. */
function programMissing(compression: LayerCompression, where: string): NetbootError {
  return new NetbootError(
    compression === "zstd" ? "ZSTD_MISSING" : "PROGRAM_MISSING",
    `The archive ${where} is compressed with ${compression}, and the program ${compression} is not installed.`,
    `Install ${compression}, or decompress the archive first.`,
  );
}
