import { open } from "node:fs/promises";

/**
 * Reads a file that a person wrote and that has to be small; also what is no regular file, such as
 * a pipe, is read up to the limit only.
 * @returns undefined if it holds more than `limit` bytes
 * @throws the system's error if it cannot be read
 */
export async function readSmallFile(path: string, limit: number): Promise<string | undefined> {
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) return Buffer.concat(chunks).toString();
      length += bytesRead;
      if (length > limit) return undefined;
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** The system's name of what went wrong, as ENOENT. */
export function fileErrorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
