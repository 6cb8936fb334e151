import type { ByteString } from "./byte-string.js";

export type EntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

/** What a tar says of one file, with all extension headers applied. */
export interface TarEntry {
  /** As written in the archive, not normalised. */
  readonly name: ByteString;
  readonly type: EntryType;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content, holes included; 0 for everything but a file. */
  readonly size: number;
  /** Whole seconds since 1970, rounded down; may be negative. */
  readonly mtime: number;
  /** Target of a symlink or a hard link, as written. */
  readonly linkName: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Attribute name to value, both bytes; absent where there are none. */
  readonly xattrs?: ReadonlyMap<ByteString, Buffer>;
}

/**
 * What reading an archive yields. The `content` events of a file carry exactly `size` bytes in
 * order, holes filled with zeros; `end` follows each entry, content or not.
 */
export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  | { readonly kind: "content"; readonly bytes: Buffer }
  | { readonly kind: "end" };
