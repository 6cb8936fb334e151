import { existsSync, statSync } from "node:fs";
import { isDigest } from "../../oci-client/index.js";

/** A path, and what stands behind it to say which image is meant. */
export interface SplitReference {
  readonly path: string;
  readonly tag?: string;
}

/** `PATH`, `PATH:TAG` or `PATH@DIGEST`, where the digest is given as the tag. */
export function splitDigest(text: string, isPath: (path: string) => boolean): SplitReference {
  const at = text.lastIndexOf("@");
  const digest = text.slice(at + 1);
  return at >= 0 && isDigest(digest)
    ? { path: text.slice(0, at), tag: digest }
    : splitTag(text, isPath);
}

/**
 * `PATH` or `PATH:TAG`; a path that itself holds a colon is found, too. A tag may be a whole
 * reference, and hold colons as well; skopeo splits at the first.
 */
export function splitTag(text: string, isPath: (path: string) => boolean): SplitReference {
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
