import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Texts that go with a release take some kilobytes. */
const largestText = 1024 * 1024;

/** The bytes of a small file; undefined where there is none, or it is no file, or too large. */
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
