import type { ByteString, TarEntry } from "../../tar/index.js";
import { joinPath, normalizePath, parentPath } from "../tree/path.js";
import { classifyEntry } from "../tree/whiteout.js";

/**
 * The paths that upper layers replace or hide, judged by the names in those layers alone. Symlinks
 * can make the result wrong, so whatever is based on it has to be compared with the merged tree
 * later.
 */
export class ShadowedPaths {
  /** Replaced or hidden, with everything below. */
  readonly #hidden = new Set<ByteString>();
  /** Directories: a file at such a path is replaced, children stay. */
  readonly #directories = new Set<ByteString>();
  /** Directories that lose their children. */
  readonly #opaque = new Set<ByteString>();
  /** Whether children of a directory survive, for the directories asked about so far. */
  readonly #verdicts = new Map<ByteString, boolean>();

  /**
   * Adds the entries of the next layer from the top.
   * @throws FormatError for a whiteout without a name to hide
   */
  add(entries: readonly TarEntry[]): void {
    this.#verdicts.clear();
    for (const entry of entries) this.#add(entry);
  }

  #add({ name, type }: TarEntry): void {
    const path = normalizePath(name);
    const role = classifyEntry(path.split("/"));
    switch (role.kind) {
      case "whiteout":
        this.#hidden.add(joinPath([...role.directory, role.name]));
        break;
      case "opaque":
        this.#opaque.add(joinPath(role.directory));
        break;
      case "ordinary":
        if (type === "directory") this.#directories.add(path);
        else this.#hidden.add(path);
        this.#addParents(path);
    }
  }

  #addParents(path: ByteString): void {
    let parent = parentPath(path);
    while (parent !== undefined && !this.#directories.has(parent)) {
      this.#directories.add(parent);
      parent = parentPath(parent);
    }
  }

  /**
   * True if a file at this path in the next layer is still there after all added layers.
   * @param path normalized
   */
  survives(path: ByteString): boolean {
    if (this.#hidden.has(path) || this.#directories.has(path)) return false;
    return this.#keepsChildren(parentPath(path) ?? "");
  }

  #keepsChildren(directory: ByteString): boolean {
    const known = this.#verdicts.get(directory);
    if (known !== undefined) return known;
    const parent = parentPath(directory);
    const verdict =
      !this.#hidden.has(directory) &&
      !this.#opaque.has(directory) &&
      (parent === undefined || this.#keepsChildren(parent));
    this.#verdicts.set(directory, verdict);
    return verdict;
  }
}
