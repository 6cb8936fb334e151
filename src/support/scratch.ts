import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { diskFull, NetbootError, systemCode } from "./errors.js";

/** Where large temporary files go (file-hierarchy(7)); /tmp is in memory in many places. */
export function scratchPlace(): string {
  return process.env.TMPDIR || "/var/tmp";
}

/**
 * Makes a directory there; whoever asked for it removes it.
 * @throws NetbootError OUTPUT_NOT_WRITABLE, DISK_FULL
 */
export async function newScratch(): Promise<string> {
  const place = scratchPlace();
  try {
    return await mkdtemp(join(place, "kairos-netboot-scratch-"));
  } catch (error) {
    const full = diskFull(error, place);
    if (full !== error) throw full;
    throw new NetbootError(
      "OUTPUT_NOT_WRITABLE",
      `The directory for temporary files, ${place}, cannot be used (${systemCode(error)}).`,
      "Name another one in the environment variable TMPDIR.",
      { cause: error },
    );
  }
}
