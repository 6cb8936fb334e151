import type { ByteString, TarEntry } from "../../tar/index.js";
import { parentPath, splitPath } from "../tree/path.js";
import { nodeAt } from "../tree/tree-lookup.js";
import { type Directory, Inode } from "../tree/tree-node.js";

/** The files whose contents are already in the output, by their path there. */
export class WrittenFiles {
  readonly #entries = new Map<ByteString, TarEntry>();
  readonly #parents = new Set<ByteString>();

  /** @param path normalized */
  add(entry: TarEntry, path: ByteString): void {
    this.#entries.set(path, entry);
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      this.#parents.add(parent);
      parent = parentPath(parent);
    }
  }

  /** True if the contents of this very entry are in the output at this path. */
  has(path: ByteString, entry: TarEntry): boolean {
    return this.#entries.get(path) === entry;
  }

  /** True if one tar cannot contain a file at this path in addition to the written files. */
  conflictsWith(path: ByteString): boolean {
    if (this.#entries.has(path) || this.#parents.has(path)) return true;
    let parent = parentPath(path);
    while (parent !== undefined && !this.#parents.has(parent)) {
      if (this.#entries.has(parent)) return true;
      parent = parentPath(parent);
    }
    return false;
  }

  /** True if the tree contains each file at the path that it has in the output. */
  matches(root: Directory): boolean {
    for (const [path, entry] of this.#entries) {
      const node = nodeAt(root, splitPath(path));
      if (!(node instanceof Inode) || node.entry !== entry) return false;
    }
    return true;
  }
}
