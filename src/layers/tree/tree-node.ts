import type { ByteString, EntryType, TarEntry } from "../../tar/index.js";

/** Where the contents of a file are: the entry with this number (from 0) of this layer. */
export interface ContentLocation {
  readonly layer: number;
  readonly ordinal: number;
}

export type InodeEntry = TarEntry & {
  readonly type: Exclude<EntryType, "directory" | "hardlink">;
};

/** A file, symlink, device or fifo. Hard links are names that share one of these. */
export class Inode {
  readonly kind = "inode";
  readonly entry: InodeEntry;
  readonly location: ContentLocation;

  constructor(entry: TarEntry, location: ContentLocation) {
    this.entry = entry as InodeEntry;
    this.location = location;
  }
}

/** What a directory has besides its children. */
export type DirectoryAttributes = Pick<TarEntry, "mode" | "uid" | "gid" | "mtime" | "xattrs">;

export class Directory {
  readonly kind = "directory";
  attributes: DirectoryAttributes;
  readonly children = new Map<ByteString, Link>();

  constructor(attributes: DirectoryAttributes) {
    this.attributes = attributes;
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
