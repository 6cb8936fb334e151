import { open } from "node:fs/promises";

/**
 * Reads a file that a person wrote and that is therefore small. Stops at the limit, because the path
 * may lead to a pipe or a device.
 * @returns undefined if the file has more than `maxBytes` bytes
 * @throws the system's error if the file cannot be read
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) return Buffer.concat(chunks).toString();
      length += bytesRead;
      if (length > maxBytes) return undefined;
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** The system's name for a file error, such as ENOENT. */
export function fileErrorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
