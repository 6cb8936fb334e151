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
  /** Absolute inside the image, without symlinks. */
  readonly path: ByteString;
  readonly inode: Inode;
}

/** Kernels and initrds of more bytes than this are something else. */
export const largestFile = 4 * 1024 ** 3;

/** A merged image as this room looks at it: paths are absolute, symlinks are followed inside it. */
export class ImageTree {
  readonly #root: Directory;

  constructor(root: Directory) {
    this.#root = root;
  }

  protected lookUp(parts: PathParts): LookupResult | undefined {
    return lookUp(this.#root, parts);
  }

  /** The regular file that a path leads to; empty and huge ones are of no use to anyone here. */
  file(path: ByteString): ImageFile | undefined {
    const found = this.lookUp(splitPath(path));
    if (found === undefined || found.node.kind !== "inode") return undefined;
    const { type, size } = found.node.entry;
    if (type !== "file" || size === 0 || size > largestFile) return undefined;
    return { path: `/${found.parts.join("/")}`, inode: found.node };
  }

  isDirectory(path: ByteString): boolean {
    return this.lookUp(splitPath(path))?.node.kind === "directory";
  }

  exists(path: ByteString): boolean {
    return this.lookUp(splitPath(path)) !== undefined;
  }

  /** True where a symlink stands at the path itself. */
  isSymlink(path: ByteString): boolean {
    const parts = splitPath(path);
    const parent = this.lookUp(parts.slice(0, -1))?.node;
    if (parent?.kind !== "directory") return false;
    const node = nodeAt(parent, parts.slice(-1));
    return node?.kind === "inode" && node.entry.type === "symlink";
  }

  /** Names in a directory, sorted; none where there is no such directory. */
  list(path: ByteString): ByteString[] {
    const node = this.lookUp(splitPath(path))?.node;
    return node?.kind === "directory" ? [...node.children.keys()].sort() : [];
  }
}
