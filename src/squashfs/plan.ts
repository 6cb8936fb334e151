import { NetbootError } from "../support/index.js";
import type { Compression } from "./compression.js";
import type { Identity } from "./identity.js";
import { isAtLeast, type MksquashfsVersion } from "./version.js";

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
  readonly root: {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly hasXattrs: boolean;
  };
}

/** How mksquashfs is to be called: equal plans give equal file systems from equal tars. */
export interface SquashfsPlan {
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the tar is to hold an entry for the root directory. */
  readonly hasRootEntry: boolean;
  /** Whom mksquashfs has to take itself for; undefined where it does not matter. */
  readonly identity: Identity | undefined;
}

/** True where the newest time in the tree is needed before mksquashfs starts. */
export function needsNewestMtime(version: MksquashfsVersion): boolean {
  return !isAtLeast(version, 4, 6);
}

/**
 * The plan for these facts and this version of squashfs-tools. 4.6 takes the root directory from
 * the tar. 4.5 ignores it there: its mode is an option, its owner is whoever runs the program, and
 * its time is the one in SOURCE_DATE_EPOCH, to which later times of files would be cut.
 * @throws NetbootError MKSQUASHFS_TOO_OLD where this version cannot do what the image needs
 */
export function planSquashfs(version: MksquashfsVersion, facts: SquashfsFacts): SquashfsPlan {
  const common = [
    ...["-tar", "-noappend", "-no-progress", "-quiet"],
    ...["-b", String(facts.blockSize)],
    ...compressorOptions(facts),
  ];
  if (isAtLeast(version, 4, 6)) {
    const created = ["-mkfs-time", String(clampTime(facts.created))];
    return {
      options: [...common, ...created],
      environment: {},
      hasRootEntry: true,
      identity: undefined,
    };
  }
  const { mode, uid, gid, hasXattrs } = facts.root;
  if (hasXattrs) {
    throw new NetbootError(
      "MKSQUASHFS_TOO_OLD",
      `mksquashfs ${version.text} cannot give the root directory the extended attributes it has in the image.`,
      "Install squashfs-tools 4.6 or later (Debian 13, Ubuntu 24.04).",
    );
  }
  const epoch = Math.max(clampTime(facts.created), clampTime(facts.newestMtime));
  return {
    options: [...common, "-root-mode", mode.toString(8).padStart(4, "0")],
    environment: { SOURCE_DATE_EPOCH: String(epoch) },
    hasRootEntry: false,
    identity: { uid, gid },
  };
}

function compressorOptions({ compression, bcjFilter }: SquashfsFacts): string[] {
  const { codec, level } = compression;
  const options = ["-comp", codec];
  if (level !== undefined) options.push("-Xcompression-level", String(level));
  if (codec === "xz" && bcjFilter !== undefined) options.push("-Xbcj", bcjFilter);
  if (codec === "lz4") options.push("-Xhc");
  return options;
}

/** squashfs has unsigned 32-bit times. */
function clampTime(seconds: number): number {
  return Math.min(Math.max(Math.floor(seconds), 0), 0xffffffff);
}
