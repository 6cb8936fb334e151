import type { Inode } from "../layers/index.js";

/** The contents of an image's files. */
export interface ImageContents {
  /** Contents of a small file. */
  read(inode: Inode): Promise<Buffer>;
  /** Path of a file with the contents. */
  pathOf(inode: Inode): Promise<string>;
}
