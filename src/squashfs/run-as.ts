import { findProgram, NetbootError, tryProgram } from "../support/index.js";
import type { MksquashfsVersion } from "./mksquashfs-version.js";

/** Numeric ids of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds a command prefix that makes a program run as this user, at least in the program's own
 * eyes: none if it already does, otherwise a user namespace (unshare) or fakeroot. Both produce
 * exactly the same bytes as running as root.
 * @param version for the error message
 * @throws NetbootError MKSQUASHFS_TOO_OLD if neither works
 */
export async function findRunAsPrefix(
  owner: Owner,
  version: MksquashfsVersion,
): Promise<readonly string[]> {
  if (process.geteuid?.() === owner.uid && process.getegid?.() === owner.gid) return [];
  const unshare = await findProgram("unshare");
  if (unshare !== undefined) {
    const ids = [`--map-user=${owner.uid}`, `--map-group=${owner.gid}`];
    const options = ["--user", ...ids, "--"];
    if (await runsTrue(unshare, options)) return [unshare, ...options];
  }
  const fakeroot = await findProgram("fakeroot");
  if (fakeroot !== undefined && owner.uid === 0 && owner.gid === 0) {
    if (await runsTrue(fakeroot, ["--"])) return [fakeroot, "--"];
  }
  throw new NetbootError(
    "MKSQUASHFS_TOO_OLD",
    `mksquashfs ${version.text} makes the user who runs it the owner of the root directory, but in the image the owner is ${owner.uid}:${owner.gid}, and this system does not allow user namespaces.`,
    "Install squashfs-tools 4.6 or later (Debian 13, Ubuntu 24.04) or the package fakeroot, or run the command as root.",
  );
}

async function runsTrue(program: string, options: readonly string[]): Promise<boolean> {
  const { exitCode } = await tryProgram(program, [...options, "true"]);
  return exitCode === 0;
}
