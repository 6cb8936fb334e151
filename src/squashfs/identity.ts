import { findProgram, NetbootError } from "../support/index.js";
import type { MksquashfsVersion } from "./mksquashfs-version.js";

/** Numeric owner. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A command prefix under which a program takes itself for this user: none where it is so already,
 * else a user namespace (unshare), else fakeroot. Both gave the very bytes that root got.
 * @throws NetbootError MKSQUASHFS_TOO_OLD where neither works
 */
export async function prefixFor(
  wanted: Identity,
  { text }: MksquashfsVersion,
): Promise<readonly string[]> {
  if (process.geteuid?.() === wanted.uid && process.getegid?.() === wanted.gid) return [];
  const unshare = await findProgram("unshare");
  if (unshare !== undefined) {
    const users = [`--map-user=${wanted.uid}`, `--map-group=${wanted.gid}`];
    const prefix = [unshare, "--user", ...users, "--"];
    if (await runs(prefix)) return prefix;
  }
  const fakeroot = await findProgram("fakeroot");
  if (fakeroot !== undefined && wanted.uid === 0 && wanted.gid === 0) {
    const prefix = [fakeroot, "--"];
    if (await runs(prefix)) return prefix;
  }
  throw new NetbootError(
    "MKSQUASHFS_TOO_OLD",
    `mksquashfs ${text} gives the root directory the owner that runs it, not ${wanted.uid}:${wanted.gid} as in the image, and this system allows no user namespace.`,
    "Install squashfs-tools 4.6 or later (Debian 13, Ubuntu 24.04) or the package fakeroot, or run as root.",
  );
}

async function runs(prefix: readonly string[]): Promise<boolean> {
  const { execa } = await import("execa");
  const [program, ...args] = prefix as [string, ...string[]];
  const result = await execa(program, [...args, "true"], { reject: false, stdio: "ignore" });
  return result.exitCode === 0;
}
