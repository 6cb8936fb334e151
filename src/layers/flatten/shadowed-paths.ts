import type { ByteString, TarEntry } from "../../tar/index.js";
import { joinPath, normalizePath, parentPath } from "../tree/path.js";
import { meaningOf } from "../tree/whiteout.js";

/**
 * Foretells whether a file of one layer is still there once all layers above it are applied, by
 * the names that those layers mention. It may err, through symlinks: what is done by it has to
 * be held against the merged tree later.
 */
export class Foresight {
  /** Replaced or hidden, with all that is below. */
  readonly #hidden = new Set<ByteString>();
  /** Directories: a file there is replaced, what is below stays. */
  readonly #directories = new Set<ByteString>();
  /** Directories that lose their children. */
  readonly #opaque = new Set<ByteString>();
  readonly #verdicts = new Map<ByteString, boolean>();

  /**
   * Takes in the entries of a layer that is above.
   * @throws FormatError for a whiteout that names nothing
   */
  add(entries: readonly TarEntry[]): void {
    this.#verdicts.clear();
    for (const entry of entries) this.#add(entry);
  }

  #add({ name, type }: TarEntry): void {
    const path = normalizePath(name);
    const meaning = meaningOf(path.split("/"));
    switch (meaning.kind) {
      case "whiteout":
        this.#hidden.add(joinPath([...meaning.directory, meaning.name]));
        break;
      case "opaque":
        this.#opaque.add(joinPath(meaning.directory));
        break;
      case "file":
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

  /** @param path normalised */
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
