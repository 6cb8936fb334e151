import { dirname } from "node:path";
import { diskFull, NetbootError, type ProgramEnd } from "../support/index.js";

/** Lines on standard error that do not report a failure. */
const harmlessLines = [
  // The dynamic linker's remarks about fakeroot's library.
  /^ERROR: ld\.so:/,
  // mksquashfs 4.5.1 reads a minor number from 2^19 on as negative, and then stores the right one.
  // Numbers that are really out of range never get here: see DEVICE_UNSUPPORTED.
  /^(?:Major|Minor) -?\d+ out of range in device node .*, truncating to \d+$/,
];

/**
 * The error of a run that failed, or that reported success but wrote to standard error.
 * @param path the squashfs that was being written
 * @returns undefined if the run succeeded
 */
export function findFailure(end: ProgramEnd, path: string): unknown {
  const lines = end.stderr.split("\n").map((line) => line.trim());
  const remarks = lines.filter(
    (line) => line !== "" && !harmlessLines.some((pattern) => pattern.test(line)),
  );
  if (end.exitCode === 0 && remarks.length === 0) return undefined;
  return toError(remarks.join("; ") || describeEnd(end), path);
}

function describeEnd({ signal, exitCode }: ProgramEnd): string {
  return signal === null ? `exit status ${exitCode}` : `it was killed by ${signal}`;
}

function toError(reason: string, path: string): unknown {
  if (/No space left|Disk quota exceeded/i.test(reason)) {
    return diskFull(Object.assign(new Error(reason), { code: "ENOSPC" }), dirname(path));
  }
  const missing = /Compressor "(\w+)" (?:is )?not supported/i.exec(reason)?.[1];
  if (missing !== undefined) {
    return new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `This mksquashfs was built without ${missing}.`,
      "Choose another --compression, or install your distribution's own squashfs-tools.",
    );
  }
  return mksquashfsFailed(reason);
}

/** @param reason a clause, or what the program wrote */
export function mksquashfsFailed(reason: string): NetbootError {
  return new NetbootError(
    "MKSQUASHFS_FAILED",
    `mksquashfs failed: ${reason.replace(/[.!]$/, "")}.`,
    "Run the command again with --verbose. If the error persists, try another version of squashfs-tools.",
  );
}
