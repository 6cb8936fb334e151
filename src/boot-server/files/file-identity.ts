import type { Stats } from "node:fs";

/**
 * Changes with the contents of an open file. The change time of the inode is left out: it also
 * changes when another file takes over the name, and the open file is still complete then.
 */
export function fileIdentity({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join(" ");
}

/** An ETag in its quotes. Strong, unless somebody writes to the file and resets its time. */
export function fileEtag({ size, mtime, ino }: Stats): string {
  return `"${[size, mtime.getTime(), ino].map((it) => it.toString(16)).join("-")}"`;
}
