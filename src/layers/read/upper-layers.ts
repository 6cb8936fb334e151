import { FormatError, type TarEntry } from "../../tar/index.js";
import { normalizePath } from "../tree/path.js";
import { Tree } from "../tree/tree.js";
import { Directory, type Inode } from "../tree/tree-node.js";
import { type KeepRule, KeptFiles } from "./captured-files.js";
import { damaged, type Layer, type LayerVisitor, readLayer } from "./layer.js";

export interface UpperLayersOptions {
  /** Files whose contents are wanted later. */
  readonly keep: KeepRule;
  /** Scratch space, removed by the caller. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * The upper layers of an image, read from the top down until enough is known. What they have is in
 * the image for certain as long as no name of theirs leans on a layer below (`Tree.isCertain`);
 * what they lack may still be in one.
 */
export class UpperLayers {
  readonly #options: UpperLayersOptions;
  readonly #kept: KeptFiles;
  readonly #layers = new Map<number, Layer>();
  /** Of the layers read so far, the lowest first. */
  readonly #indexes: { layer: Layer; entries: TarEntry[] }[] = [];

  constructor(options: UpperLayersOptions) {
    this.#options = options;
    this.#kept = new KeptFiles(options.keep, options.scratch);
  }

  /**
   * Reads the layer below those that were read.
   * @throws NetbootError as `readLayer`
   */
  async add(layer: Layer): Promise<void> {
    await this.#kept.prepare();
    const entries: TarEntry[] = [];
    const visitor: LayerVisitor = {
      entry: (entry, ordinal) => {
        entries.push(entry);
        if (entry.type !== "file") return undefined;
        const path = normalizePath(entry.name);
        return this.#kept.sinkFor(path, entry.size, { layer: layer.number, ordinal });
      },
    };
    await readLayer(layer, visitor, this.#options.signal);
    this.#layers.set(layer.number, layer);
    this.#indexes.unshift({ layer, entries });
  }

  /**
   * What the layers make together; undefined where that cannot be told without those below.
   * @throws NetbootError LAYER_DAMAGED
   */
  merge(): Directory | undefined {
    const bottom = this.#indexes[0]!.layer.number;
    const tree = new Tree(bottom);
    for (const { layer, entries } of this.#indexes) {
      try {
        tree.apply({ entries, impliedMtime: layer.impliedMtime });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        // The target of a hard link may be in a layer below.
        if (bottom > 0) return undefined;
        throw damaged(layer, error);
      }
    }
    return bottom === 0 || tree.isCertain ? tree.root : undefined;
  }

  /** Contents of a small file; reads its layer again if they were not kept. */
  async read(inode: Inode): Promise<Buffer> {
    await this.#kept.ensure(this.#layers.get(inode.layer)!, inode, this.#options.signal);
    return this.#kept.read(inode);
  }
}

/** Bytes of all files in a tree, hard-linked ones once. */
export function contentsOf(root: Directory): number {
  const seen = new Set<Inode>();
  const add = (directory: Directory): number => {
    let bytes = 0;
    for (const { node } of directory.children.values()) {
      if (node instanceof Directory) bytes += add(node);
      else if (!seen.has(node)) {
        seen.add(node);
        bytes += node.entry.size;
      }
    }
    return bytes;
  };
  return add(root);
}
