import { createHash } from "node:crypto";
import { readChunks } from "./read-chunks.js";

/** The SHA-256 of bytes, or of text as UTF-8, in lower-case hex. */
export function sha256Hex(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * The SHA-256 of a file's content in lower-case hex.
 * @throws the system's error if the file cannot be read, or the signal's reason
 */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(path)) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
