import { findProgram, NetbootError, tryProgram } from "../support/index.js";

export interface MksquashfsVersion {
  /** Of the program. */
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  /** As the program prints it, for example `4.5.1`. */
  readonly text: string;
}

const installHint =
  "Install squashfs-tools 4.5 or later: apt-get install squashfs-tools (Debian 12, Ubuntu 22.04 and later have it).";

/**
 * Finds mksquashfs and determines its version.
 * @throws NetbootError MKSQUASHFS_MISSING, MKSQUASHFS_TOO_OLD (before 4.5, it cannot read a tar)
 */
export async function probeMksquashfs(): Promise<MksquashfsVersion> {
  const path = await findProgram("mksquashfs");
  if (path === undefined) {
    throw new NetbootError("MKSQUASHFS_MISSING", "mksquashfs is not on PATH.", installHint);
  }
  const { stdout } = await tryProgram(path, ["-version"]);
  const version = parseVersion(path, stdout);
  if (version !== undefined && isAtLeast(version, 4, 5)) return version;
  const found = version === undefined ? "has an unknown version" : `is version ${version.text}`;
  throw new NetbootError(
    "MKSQUASHFS_TOO_OLD",
    `mksquashfs (${path}) ${found}, but only 4.5 and later can read a tar.`,
    installHint,
  );
}

function parseVersion(path: string, output: string): MksquashfsVersion | undefined {
  const match = /mksquashfs version ((\d+)\.(\d+)\S*)/.exec(output);
  if (match === null) return undefined;
  const [, text = "", major, minor] = match;
  return { path, text, major: Number(major), minor: Number(minor) };
}

export function isAtLeast(version: MksquashfsVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}
