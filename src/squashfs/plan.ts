import { NetbootError } from "../support/index.js";
import type { Identity } from "./identity.js";
import { squashfsLimits } from "./inode-limits.js";
import { isAtLeast, type MksquashfsVersion } from "./mksquashfs-version.js";
import type { Compression } from "./squashfs-compression.js";

/** What the file system is to be like, as far as mksquashfs has to be told when it starts. */
export interface SquashfsFacts {
  readonly compression: Compression;
  /** xz's filter for the machine code of the image's architecture. */
  readonly bcjFilter?: string;
  /** Bytes. */
  readonly blockSize: number;
  /** Creation time in seconds; what the image says of itself. */
  readonly created: number;
  /** Newest time in the tree, seconds. */
  readonly newestMtime: number;
  readonly root: RootDirectory;
}

/** Attributes of the root directory, which no tar can bring to mksquashfs. */
export interface RootDirectory {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** How mksquashfs is to be called: equal plans give equal file systems from equal tars. */
export interface SquashfsPlan {
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whom mksquashfs has to take itself for; undefined where it does not matter. */
  readonly identity: Identity | undefined;
}

/** True where the newest time in the tree is needed before mksquashfs starts. */
export function needsNewestMtime(version: MksquashfsVersion): boolean {
  return !isAtLeast(version, 4, 6);
}

/**
 * The plan for these facts and this version of squashfs-tools. No version takes the root directory
 * from the tar. 4.6 has options for all of it; in 4.5 its owner is whoever runs the program, and
 * its time is the one in SOURCE_DATE_EPOCH, to which later times of files would be cut.
 * @throws NetbootError MKSQUASHFS_TOO_OLD where this version cannot do what the image needs
 */
export function planSquashfs(version: MksquashfsVersion, facts: SquashfsFacts): SquashfsPlan {
  const { mode, uid, gid, mtime, xattrs } = facts.root;
  const common = [
    ...["-tar", "-noappend", "-no-progress", "-quiet"],
    ...["-b", String(facts.blockSize)],
    ...compressorOptions(facts),
    ...["-root-mode", mode.toString(8).padStart(4, "0")],
  ];
  const created = squashfsLimits.clampTime(facts.created);
  if (isAtLeast(version, 4, 6)) {
    const root = [
      "-root-uid",
      uid,
      "-root-gid",
      gid,
      "-root-time",
      squashfsLimits.clampTime(mtime),
    ].map(String);
    const options = [...common, "-mkfs-time", String(created), ...root, ...rootXattrs(xattrs)];
    return { options, environment: {}, identity: undefined };
  }
  if (xattrs.size > 0) {
    throw new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `mksquashfs ${version.text} cannot give the root directory the extended attributes it has in the image.`,
      "Install squashfs-tools 4.6 or later (Debian 13, Ubuntu 24.04).",
    );
  }
  const epoch = Math.max(created, squashfsLimits.clampTime(facts.newestMtime));
  return {
    options: common,
    environment: { SOURCE_DATE_EPOCH: String(epoch) },
    identity: { uid, gid },
  };
}

/** Pseudo file definitions (squashfs-tools, "USAGE-MKSQUASHFS", pseudo xattr): base64 values. */
function rootXattrs(xattrs: RootDirectory["xattrs"]): string[] {
  return [...xattrs].flatMap(([name, value]) => [
    "-p",
    `/ x ${name}=0s${value.toString("base64")}`,
  ]);
}

function compressorOptions({ compression, bcjFilter }: SquashfsFacts): string[] {
  const { codec, level } = compression;
  const options = ["-comp", codec];
  if (level !== undefined) options.push("-Xcompression-level", String(level));
  if (codec === "xz" && bcjFilter !== undefined) options.push("-Xbcj", bcjFilter);
  if (codec === "lz4") options.push("-Xhc");
  return options;
}
