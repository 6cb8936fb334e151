import { existsSync, statSync } from "node:fs";
import { isDigest } from "../../oci-client/index.js";

/** A path, and what follows it to select an image. */
interface SplitLocation {
  readonly path: string;
  readonly tag?: string;
}

/** Splits `PATH`, `PATH:TAG` or `PATH[:TAG]@DIGEST`. The digest, which decides, is returned as the tag. */
export function splitDigest(text: string, isPath: (path: string) => boolean): SplitLocation {
  const at = text.lastIndexOf("@");
  const digest = text.slice(at + 1);
  if (at < 0 || !isDigest(digest)) return splitTag(text, isPath);
  return { ...splitTag(text.slice(0, at), isPath), tag: digest };
}

/**
 * Splits `PATH` or `PATH:TAG`. Both parts may contain colons: a tag may be a complete reference. The
 * longest path that exists decides; if none exists, the first colon does, as in skopeo.
 */
export function splitTag(text: string, isPath: (path: string) => boolean): SplitLocation {
  if (isPath(text)) return { path: text };
  const colons = [...text.matchAll(/:/g)].map(({ index }) => index);
  const colon = colons.findLast((at) => isPath(text.slice(0, at))) ?? colons[0];
  if (colon === undefined) return { path: text };
  const path = text.slice(0, colon);
  return colon === text.length - 1 ? { path } : { path, tag: text.slice(colon + 1) };
}

export function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
