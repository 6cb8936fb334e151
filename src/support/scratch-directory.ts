import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { diskFull, NetbootError, systemCode } from "./errors.js";

/** The directory for large temporary files (file-hierarchy(7)). On many systems, /tmp is in memory. */
export function scratchParent(): string {
  return process.env.TMPDIR || "/var/tmp";
}

/**
 * Creates a directory for temporary files, which the caller removes.
 * @returns its path
 * @throws NetbootError OUTPUT_NOT_WRITABLE, DISK_FULL
 */
export async function createScratchDirectory(): Promise<string> {
  const parent = scratchParent();
  try {
    return await mkdtemp(join(parent, "kairos-netboot-scratch-"));
  } catch (error) {
    const full = diskFull(error, parent);
    if (full !== error) throw full;
    throw new NetbootError(
      "OUTPUT_NOT_WRITABLE",
      `The directory for temporary files, ${parent}, cannot be used (${systemCode(error)}).`,
      "Set the environment variable TMPDIR to another directory.",
      { cause: error },
    );
  }
}
