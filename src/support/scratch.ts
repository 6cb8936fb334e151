import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";

/** Where large temporary files go (file-hierarchy(7)); /tmp is in memory in many places. */
export function scratchPlace(): string {
  return process.env.TMPDIR || "/var/tmp";
}

/** Makes a directory there; whoever asked for it removes it. */
export function newScratch(): Promise<string> {
  return mkdtemp(join(scratchPlace(), "kairos-netboot-scratch-"));
}
