import type { ByteString, EntryType, TarEntry } from "../../tar/index.js";

/** Identifies the contents of a file: an entry of a layer, both numbered from 0. */
export interface ContentLocation {
  readonly layer: number;
  readonly ordinal: number;
}

export type InodeEntry = TarEntry & {
  readonly type: Exclude<EntryType, "directory" | "hardlink">;
};

/**
 * A file, symlink, device or fifo. Hard links are several names that share one inode. An image
 * has hundreds of thousands of these, so every field costs memory.
 */
export class Inode implements ContentLocation {
  readonly entry: InodeEntry;
  readonly layer: number;
  readonly ordinal: number;

  constructor(entry: TarEntry, { layer, ordinal }: ContentLocation) {
    this.entry = entry as InodeEntry;
    this.layer = layer;
    this.ordinal = ordinal;
  }

  get kind(): "inode" {
    return "inode";
  }
}

/** Everything about a directory except its children. */
export type DirectoryAttributes = Pick<TarEntry, "mode" | "uid" | "gid" | "mtime" | "xattrs">;

export class Directory {
  attributes: DirectoryAttributes;
  readonly children = new Map<ByteString, DirectoryChild>();

  constructor(attributes: DirectoryAttributes) {
    this.attributes = attributes;
  }

  get kind(): "directory" {
    return "directory";
  }
}

export type TreeNode = Inode | Directory;

/** The node behind a name in a directory. */
export interface DirectoryChild {
  node: TreeNode;
  /** The layer that put the name there, from 0 at the bottom. */
  layer: number;
}

/**
 * Attributes of a directory that no entry names.
 * @param mtime seconds since 1970
 */
export function impliedAttributes(mtime: number): DirectoryAttributes {
  return { mode: 0o755, uid: 0, gid: 0, mtime };
}
