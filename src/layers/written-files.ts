import type { ByteString } from "./byte-string.js";
import { joinPath, type PathParts, splitPath } from "./tree/path.js";
import { nodeAt } from "./tree/tree-lookup.js";
import type { Directory, Inode } from "./tree/tree-node.js";

/** Files whose contents are in the tar already, and the path that each has there. */
export class WrittenFiles {
  readonly #pathOf = new Map<Inode, ByteString>();
  readonly #paths = new Set<ByteString>();
  readonly #parents = new Set<ByteString>();

  add(inode: Inode, path: ByteString): void {
    this.#pathOf.set(inode, path);
    this.#paths.add(path);
    const parts = splitPath(path);
    for (let depth = parts.length - 1; depth > 0; depth -= 1) {
      const parent = joinPath(parts.slice(0, depth));
      if (this.#parents.has(parent)) break;
      this.#parents.add(parent);
    }
  }

  pathOf(inode: Inode): ByteString | undefined {
    return this.#pathOf.get(inode);
  }

  /** True where a file at this path cannot stand in one tar with those written. */
  conflictsWith(parts: PathParts): boolean {
    const path = joinPath(parts);
    if (this.#paths.has(path) || this.#parents.has(path)) return true;
    for (let depth = parts.length - 1; depth > 0; depth -= 1) {
      const parent = joinPath(parts.slice(0, depth));
      if (this.#parents.has(parent)) return false;
      if (this.#paths.has(parent)) return true;
    }
    return false;
  }

  /** True when each file stands in the tree under the path it has in the tar. */
  areIn(root: Directory): boolean {
    for (const [inode, path] of this.#pathOf) {
      if (nodeAt(root, splitPath(path)) !== inode) return false;
    }
    return true;
  }
}
