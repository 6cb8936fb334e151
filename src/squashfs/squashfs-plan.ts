import { NetbootError } from "../support/index.js";
import { findCompressor } from "./compressors.js";
import { isAtLeast, type MksquashfsVersion } from "./mksquashfs-version.js";
import type { Owner } from "./run-as.js";
import type { SquashfsCompression } from "./squashfs-compression.js";
import { squashfsLimits } from "./squashfs-limits.js";

/** The properties of the file system that mksquashfs has to know when it starts. */
export interface SquashfsFacts {
  readonly compression: SquashfsCompression;
  /** xz's filter for the machine code of the image's architecture. */
  readonly bcjFilter?: string;
  /** Bytes. */
  readonly blockSize: number;
  /** Creation time according to the image, in seconds since 1970. */
  readonly created: number;
  /** Newest modification time in the tree, in seconds since 1970. */
  readonly newestMtime: number;
  readonly root: RootDirectory;
}

/** Attributes of the root directory, which mksquashfs does not read from a tar. */
interface RootDirectory {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** How to run mksquashfs: the same plan and the same tar result in the same file system. */
export interface SquashfsPlan {
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The user that mksquashfs has to run as; undefined if any user will do. */
  readonly runAs: Owner | undefined;
}

/** True if `newestMtime` has to be known before mksquashfs starts. */
export function needsNewestMtime(version: MksquashfsVersion): boolean {
  return !canSetRootAttributes(version);
}

/**
 * Plans the run of this version of mksquashfs. No version reads the root directory from the tar.
 * 4.6 has options for all of its attributes. In 4.5, the owner is the user who runs the program,
 * and the time is SOURCE_DATE_EPOCH, which also clamps every later time of a file.
 * @throws NetbootError MKSQUASHFS_TOO_OLD if this version cannot do what the image needs
 */
export function planSquashfs(version: MksquashfsVersion, facts: SquashfsFacts): SquashfsPlan {
  const { mode, uid, gid, mtime, xattrs } = facts.root;
  const { clampTime } = squashfsLimits;
  const common = [
    ...["-tar", "-noappend", "-no-progress", "-quiet"],
    ...["-b", String(facts.blockSize)],
    ...compressorOptions(facts),
    ...["-root-mode", mode.toString(8).padStart(4, "0")],
  ];
  const created = clampTime(facts.created);
  if (canSetRootAttributes(version)) {
    const root = ["-root-uid", uid, "-root-gid", gid, "-root-time", clampTime(mtime)].map(String);
    const options = [...common, "-mkfs-time", String(created), ...root, ...rootXattrs(xattrs)];
    return { options, environment: {}, runAs: undefined };
  }
  if (xattrs.size > 0) {
    throw new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `mksquashfs ${version.text} cannot set the extended attributes that the image's root directory has.`,
      "Install squashfs-tools 4.6 or later (Debian 13, Ubuntu 24.04).",
    );
  }
  const epoch = Math.max(created, clampTime(facts.newestMtime));
  return {
    options: common,
    environment: { SOURCE_DATE_EPOCH: String(epoch) },
    runAs: { uid, gid },
  };
}

function canSetRootAttributes(version: MksquashfsVersion): boolean {
  return isAtLeast(version, 4, 6);
}

/** Pseudo file definitions (squashfs-tools, "USAGE-MKSQUASHFS", pseudo xattr) with base64 values. */
function rootXattrs(xattrs: RootDirectory["xattrs"]): string[] {
  return [...xattrs].flatMap(([name, value]) => [
    "-p",
    `/ x ${name}=0s${value.toString("base64")}`,
  ]);
}

function compressorOptions({ compression, bcjFilter }: SquashfsFacts): string[] {
  const { compressor, level } = compression;
  const options = ["-comp", compressor];
  if (level !== undefined) options.push("-Xcompression-level", String(level));
  return [...options, ...(findCompressor(compressor)?.options?.(bcjFilter) ?? [])];
}
