import { FormatError, type TarEntry } from "../../tar/index.js";
import { normalizePath } from "../tree/path.js";
import { Tree } from "../tree/tree.js";
import type { Directory, Inode } from "../tree/tree-node.js";
import { CapturedFiles, type CaptureRule } from "./captured-files.js";
import {
  type Layer,
  type LayerEntries,
  type LayerVisitor,
  layerDamaged,
  readLayer,
} from "./layer.js";

export interface UpperLayersOptions {
  /** Selects the files whose contents are needed later. */
  readonly capture: CaptureRule;
  /** Scratch space, which the caller removes. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * The upper layers of an image, read from the top down until they tell enough. As long as none of
 * their names depends on a layer below (`Tree.isCertain`), everything they contain is certainly in
 * the image. Anything else may still be in a layer below.
 */
export class UpperLayers {
  readonly #options: UpperLayersOptions;
  readonly #captured: CapturedFiles;
  /** The layers read so far, lowest first. */
  readonly #layers: LayerEntries[] = [];

  constructor(options: UpperLayersOptions) {
    this.#options = options;
    this.#captured = new CapturedFiles(options.capture, options.scratch);
  }

  /**
   * Reads one more layer, the one directly below those read so far.
   * @throws NetbootError as `readLayer`
   */
  async add(layer: Layer): Promise<void> {
    await this.#captured.prepare();
    const entries: TarEntry[] = [];
    const visitor: LayerVisitor = {
      entry: (entry, ordinal) => {
        entries.push(entry);
        if (entry.type !== "file") return undefined;
        const path = normalizePath(entry.name);
        return this.#captured.sinkFor(path, entry.size, { layer: layer.number, ordinal });
      },
    };
    await readLayer(layer, visitor, this.#options.signal);
    this.#layers.unshift({ layer, entries });
  }

  /**
   * Merges the layers read so far.
   * @returns undefined if the result depends on the layers below
   * @throws NetbootError LAYER_DAMAGED
   */
  merge(): Directory | undefined {
    const bottom = this.#layers[0]?.layer.number ?? 0;
    const tree = new Tree(bottom);
    for (const { layer, entries } of this.#layers) {
      try {
        tree.apply({ entries, impliedMtime: layer.impliedMtime });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        // The target of a hard link may be in a layer below.
        if (bottom > 0) return undefined;
        throw layerDamaged(layer, error);
      }
    }
    return bottom === 0 || tree.isCertain ? tree.root : undefined;
  }

  /** Contents of a small file; reads its layer again if they were not captured. */
  async read(inode: Inode): Promise<Buffer> {
    await this.#ensureCaptured(inode);
    return this.#captured.read(inode);
  }

  /** Path of a file in the scratch space with the contents; reads its layer again if necessary. */
  async pathOf(inode: Inode): Promise<string> {
    await this.#ensureCaptured(inode);
    return this.#captured.pathOf(inode);
  }

  async #ensureCaptured(inode: Inode): Promise<void> {
    const found = this.#layers.find(({ layer }) => layer.number === inode.layer);
    if (found === undefined) throw new RangeError(`layer ${inode.layer} has not been read`);
    await this.#captured.ensure(found.layer, inode, this.#options.signal);
  }
}
