import type { ByteString } from "./byte-string.js";

export type EntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

/** One entry of a tar, with all extension headers applied. */
export interface TarEntry {
  /** As written in the archive, not normalized. */
  readonly name: ByteString;
  readonly type: EntryType;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of contents, including holes; 0 unless the entry is a file. */
  readonly size: number;
  /** Whole seconds since 1970, rounded down; may be negative. */
  readonly mtime: number;
  /** Target of a symlink or a hard link, as written. */
  readonly linkName: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Attribute values by name, both bytes; absent if there are none. */
  readonly xattrs?: ReadonlyMap<ByteString, Buffer>;
}

/**
 * The events of reading an archive. The `content` events of a file carry exactly `size` bytes in
 * order, with holes filled with zeros. `end` follows each entry, whether it has contents or not.
 */
export type TarEvent =
  | { readonly kind: "entry"; readonly entry: TarEntry }
  | { readonly kind: "content"; readonly bytes: Buffer }
  | { readonly kind: "end" };
