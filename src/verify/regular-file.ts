import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { systemCode } from "../support/index.js";

/** What keeps a path from being read as a file; a pipe would be waited for, a device never ends. */
export async function fileProblem(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? undefined : "is no file";
  } catch (error) {
    return unreadable(error);
  }
}

/** @throws what is no error of the file system */
export function unreadable(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code === "ENOENT" ? "is missing" : `cannot be read (${code})`;
}

/** Texts that go with a release take some kilobytes. */
const largestText = 1024 * 1024;

/** The bytes of a small file; undefined where there is none, or it is too large. */
export async function readSmall(path: string, maxBytes = largestText): Promise<Buffer | undefined> {
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
