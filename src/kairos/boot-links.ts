import type { ByteString } from "../tar/index.js";
import type { ImageFile, ImageTree } from "./image-tree.js";

/** A path at which an image may say what to boot. */
export interface BootLink {
  readonly path: ByteString;
  /** True if a file with this name counts only if it is a symlink. */
  readonly isSymlinkOnly?: boolean;
}

/**
 * The first file that one of the paths leads to.
 * @param links in order of precedence
 */
export function followBootLink(
  tree: ImageTree,
  links: readonly BootLink[],
): { readonly file: ImageFile; readonly reason: string } | undefined {
  for (const { path, isSymlinkOnly = false } of links) {
    const file = tree.file(path);
    if (file === undefined) continue;
    const isSymlink = tree.isSymlink(path);
    if (isSymlinkOnly && !isSymlink) continue;
    return { file, reason: isSymlink ? `${path} links to it` : "it has the default name" };
  }
  return undefined;
}
