import type { ByteString, TarEntry } from "../tar/index.js";
import { parentPath, splitPath } from "./tree/path.js";
import { nodeAt } from "./tree/tree-lookup.js";
import { type Directory, Inode } from "./tree/tree-node.js";

/** Files whose contents are in the tar already, and the path that each has there. */
export class WrittenFiles {
  readonly #pathOf = new Map<TarEntry, ByteString>();
  readonly #paths = new Set<ByteString>();
  readonly #parents = new Set<ByteString>();

  /** @param path normalised */
  add(entry: TarEntry, path: ByteString): void {
    this.#pathOf.set(entry, path);
    this.#paths.add(path);
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      this.#parents.add(parent);
      parent = parentPath(parent);
    }
  }

  pathOf(entry: TarEntry): ByteString | undefined {
    return this.#pathOf.get(entry);
  }

  /** True where a file at this path cannot stand in one tar with those written. */
  conflictsWith(path: ByteString): boolean {
    if (this.#paths.has(path) || this.#parents.has(path)) return true;
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      if (this.#paths.has(parent)) return true;
      parent = parentPath(parent);
    }
    return false;
  }

  /** True when each file stands in the tree under the path it has in the tar. */
  areIn(root: Directory): boolean {
    for (const [entry, path] of this.#pathOf) {
      const node = nodeAt(root, splitPath(path));
      if (!(node instanceof Inode) || node.entry !== entry) return false;
    }
    return true;
  }
}
