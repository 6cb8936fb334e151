import type { ByteString, TarEntry } from "../../tar/index.js";
import { parentPath, splitPath } from "../tree/path.js";
import { nodeAt } from "../tree/tree-lookup.js";
import { type Directory, Inode } from "../tree/tree-node.js";

/** Files whose contents are in the tar already, and the path that each has there. */
export class WrittenFiles {
  readonly #entries = new Map<ByteString, TarEntry>();
  readonly #parents = new Set<ByteString>();

  /** @param path normalised */
  add(entry: TarEntry, path: ByteString): void {
    this.#entries.set(path, entry);
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      this.#parents.add(parent);
      parent = parentPath(parent);
    }
  }

  /** True where it is this entry's contents that stand under the path. */
  has(path: ByteString, entry: TarEntry): boolean {
    return this.#entries.get(path) === entry;
  }

  /** True where a file at this path cannot stand in one tar with those written. */
  conflictsWith(path: ByteString): boolean {
    if (this.#entries.has(path) || this.#parents.has(path)) return true;
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      if (this.#entries.has(parent)) return true;
      parent = parentPath(parent);
    }
    return false;
  }

  /** True when each file stands in the tree under the path it has in the tar. */
  areIn(root: Directory): boolean {
    for (const [path, entry] of this.#entries) {
      const node = nodeAt(root, splitPath(path));
      if (!(node instanceof Inode) || node.entry !== entry) return false;
    }
    return true;
  }
}
