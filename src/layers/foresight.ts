import type { ByteString } from "./byte-string.js";
import { joinPath, type PathParts, splitPath } from "./tree/path.js";
import type { LayerIndex } from "./tree/tree.js";
import { meaningOf } from "./tree/whiteout.js";

/**
 * Foretells whether a file of one layer is still there once all layers above it are applied, by
 * the names that those layers mention. It may err, through symlinks: what is done by it has to
 * be held against the merged tree later.
 */
export class Foresight {
  /** Replaced or hidden, with all that is below. */
  readonly #hidden = new Set<ByteString>();
  /** Named as a directory: a file there is replaced, what is below stays. */
  readonly #directories = new Set<ByteString>();
  /** Directories that lose their children. */
  readonly #opaque = new Set<ByteString>();
  readonly #verdicts = new Map<ByteString, boolean>();

  /**
   * Takes in a layer that is above.
   * @throws LayerFormatError for a whiteout that names nothing
   */
  add({ entries }: LayerIndex): void {
    for (const entry of entries) {
      const parts = splitPath(entry.name);
      const meaning = meaningOf(parts);
      if (meaning.kind === "whiteout") {
        this.#hidden.add(joinPath([...meaning.directory, meaning.name]));
      } else if (meaning.kind === "opaque") {
        this.#opaque.add(joinPath(meaning.directory));
      } else if (entry.type === "directory") {
        this.#directories.add(joinPath(parts));
      } else {
        this.#hidden.add(joinPath(parts));
      }
    }
  }

  survives(parts: PathParts): boolean {
    const path = joinPath(parts);
    if (this.#hidden.has(path) || this.#directories.has(path)) return false;
    return this.#keepsChildren(parts.slice(0, -1));
  }

  #keepsChildren(directory: PathParts): boolean {
    const path = joinPath(directory);
    const known = this.#verdicts.get(path);
    if (known !== undefined) return known;
    const verdict =
      !this.#hidden.has(path) &&
      !this.#opaque.has(path) &&
      (directory.length === 0 || this.#keepsChildren(directory.slice(0, -1)));
    this.#verdicts.set(path, verdict);
    return verdict;
  }
}
