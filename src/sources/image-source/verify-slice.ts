import { type Descriptor, OciClientError, verifyingStream } from "../../oci-client/index.js";
import { readChunks } from "../../support/index.js";
import type { FileSlice } from "./file-slice.js";

/**
 * Checks the digest of a blob that is a file or a part of one.
 * @throws OciClientError BLOB_MISMATCH
 */
export async function verifySlice(
  { path, offset }: Pick<FileSlice, "path" | "offset">,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const count = offset === undefined ? Infinity : descriptor.size;
  for await (const _ of verifyingStream(readChunks(path, count, offset), descriptor)) {
    signal.throwIfAborted();
  }
}

/** Whether a complete file holds the bytes of its digest; false only for wrong bytes. */
export async function isIntact(
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await verifySlice({ path }, descriptor, signal);
    return true;
  } catch (error) {
    if (error instanceof OciClientError && error.code === "BLOB_MISMATCH") return false;
    throw error;
  }
}
