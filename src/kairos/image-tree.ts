import {
  type Directory,
  type Inode,
  type LookupResult,
  lookUp,
  nodeAt,
  type PathParts,
  splitPath,
} from "../layers/index.js";
import type { ByteString } from "../tar/index.js";

export interface ImageFile {
  /** Absolute inside the image, with all symlinks resolved. */
  readonly path: ByteString;
  readonly inode: Inode;
}

/** No kernel and no initrd is larger. */
export const maxFileBytes = 4 * 1024 ** 3;

/**
 * A merged image. Paths are absolute inside the image, and symlinks are followed without leaving it.
 */
export class ImageTree {
  readonly #root: Directory;

  constructor(root: Directory) {
    this.#root = root;
  }

  protected lookUp(parts: PathParts): LookupResult | undefined {
    return lookUp(this.#root, parts);
  }

  /**
   * The regular file that a path leads to.
   * @returns undefined also for empty and huge files, which nobody here can use
   */
  file(path: ByteString): ImageFile | undefined {
    const found = this.lookUp(splitPath(path));
    if (found === undefined || found.node.kind !== "inode") return undefined;
    const { type, size } = found.node.entry;
    if (type !== "file" || size === 0 || size > maxFileBytes) return undefined;
    return { path: `/${found.parts.join("/")}`, inode: found.node };
  }

  isDirectory(path: ByteString): boolean {
    return this.lookUp(splitPath(path))?.node.kind === "directory";
  }

  exists(path: ByteString): boolean {
    return this.lookUp(splitPath(path)) !== undefined;
  }

  /** Whether the path itself is a symlink. */
  isSymlink(path: ByteString): boolean {
    const parts = splitPath(path);
    const parent = this.lookUp(parts.slice(0, -1))?.node;
    if (parent?.kind !== "directory") return false;
    const node = nodeAt(parent, parts.slice(-1));
    return node?.kind === "inode" && node.entry.type === "symlink";
  }

  /** Sorted names in a directory; empty if there is no such directory. */
  list(path: ByteString): ByteString[] {
    const node = this.lookUp(splitPath(path))?.node;
    return node?.kind === "directory" ? [...node.children.keys()].sort() : [];
  }
}

/** The regular files that the paths lead to, each only once. */
export function distinctFiles(tree: ImageTree, paths: readonly ByteString[]): ImageFile[] {
  const files = new Map<ByteString, ImageFile>();
  for (const path of paths) {
    const file = tree.file(path);
    if (file !== undefined) files.set(file.path, file);
  }
  return [...files.values()];
}
