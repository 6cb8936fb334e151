import type { ByteString, EntryType, TarEntry } from "../../tar/index.js";

/** Where the contents of a file are: the entry with this number (from 0) of this layer. */
export interface ContentLocation {
  readonly layer: number;
  readonly ordinal: number;
}

export type InodeEntry = TarEntry & {
  readonly type: Exclude<EntryType, "directory" | "hardlink">;
};

/**
 * A file, symlink, device or fifo. Hard links are names that share one of these. An image has
 * hundreds of thousands: what is added here is memory.
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

/** What a directory has besides its children. */
export type DirectoryAttributes = Pick<TarEntry, "mode" | "uid" | "gid" | "mtime" | "xattrs">;

export class Directory {
  attributes: DirectoryAttributes;
  readonly children = new Map<ByteString, Link>();

  constructor(attributes: DirectoryAttributes) {
    this.attributes = attributes;
  }

  get kind(): "directory" {
    return "directory";
  }
}

export type Node = Inode | Directory;

/** A name in a directory. */
export interface Link {
  node: Node;
  /** The layer that put the name there, from 0 at the bottom. */
  layer: number;
}

/** A directory that no entry names. */
export function impliedAttributes(mtime: number): DirectoryAttributes {
  return { mode: 0o755, uid: 0, gid: 0, mtime };
}
