import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Checksums, signatures, netboot.json, and iPXE scripts are a few kilobytes long. */
const defaultMaxBytes = 1024 * 1024;
const chunkBytes = 64 * 1024;

/**
 * The bytes of a small file that a user named. Also reads pipes, such as the shell's `<(command)`,
 * and never reads much more than `maxBytes`.
 * @throws the system's error if the file cannot be read; an error with the code EFBIG if it is larger
 *   than `maxBytes`
 */
export async function readSmallFile(path: string, maxBytes = defaultMaxBytes): Promise<Buffer> {
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes));
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      length += bytesRead;
      if (length > maxBytes) throw tooLarge(path, maxBytes);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * The bytes of a small file that may or may not be usable, for example in a directory that somebody
 * else wrote. Never waits for a pipe or a device.
 * @returns undefined if the file is missing, unreadable, not a regular file, or larger than `maxBytes`
 */
export async function tryReadSmallFile(
  path: string,
  maxBytes = defaultMaxBytes,
): Promise<Buffer | undefined> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    return bytesRead > maxBytes ? undefined : buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

function tooLarge(path: string, maxBytes: number): Error {
  const message = `EFBIG: ${path} is larger than ${maxBytes} bytes`;
  return Object.assign(new Error(message), { code: "EFBIG" });
}
