import { findProgram, NetbootError } from "../support/index.js";

export interface MksquashfsVersion {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  /** As the program prints it, for example `4.5.1`. */
  readonly text: string;
}

const installHint =
  "Install squashfs-tools 4.5 or later: apt-get install squashfs-tools (Debian 12, Ubuntu 22.04 and later have it).";

/**
 * Finds mksquashfs and asks for its version.
 * @throws NetbootError MKSQUASHFS_MISSING, MKSQUASHFS_TOO_OLD (before 4.5 it reads no tar)
 */
export async function probeMksquashfs(): Promise<MksquashfsVersion> {
  const path = await findProgram("mksquashfs");
  if (path === undefined) {
    throw new NetbootError("MKSQUASHFS_MISSING", "mksquashfs is not on PATH.", installHint);
  }
  const { execa } = await import("execa");
  const { stdout } = await execa(path, ["-version"], { reject: false, stdin: "ignore" });
  const version = parseVersion(path, stdout);
  if (version === undefined || !isAtLeast(version, 4, 5)) {
    const words = version?.text ?? "of an unknown version";
    throw new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `mksquashfs (${path}) is ${words}; reading a tar needs 4.5.`,
      installHint,
    );
  }
  return version;
}

export function parseVersion(path: string, output: string): MksquashfsVersion | undefined {
  const match = /mksquashfs version ((\d+)\.(\d+)[^\s]*)/.exec(output);
  if (match === null) return undefined;
  return { path, text: match[1]!, major: Number(match[2]), minor: Number(match[3]) };
}

export function isAtLeast(version: MksquashfsVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}
