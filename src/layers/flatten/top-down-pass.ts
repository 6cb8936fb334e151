import { type ByteString, display, type TarEntry } from "../../tar/index.js";
import { CapturedFiles } from "../read/captured-files.js";
import {
  type ContentSink,
  describeLayer,
  type Layer,
  type LayerEntries,
  type LayerVisitor,
  readFirstEntry,
  readLayer,
} from "../read/layer.js";
import { escapesRoot, normalizePath } from "../tree/path.js";
import { type DirectoryAttributes, type InodeEntry, impliedAttributes } from "../tree/tree-node.js";
import { classifyEntry } from "../tree/whiteout.js";
import { startFile, tee } from "./file-sink.js";
import type { FlattenOptions } from "./flatten-options.js";
import { blamingLayer, mergeLayers } from "./merge-layers.js";
import { MergedImage } from "./merged-image.js";
import { ShadowedPaths } from "./shadowed-paths.js";
import { CanonicalTarWriter, type TarOutput } from "./tar-writer.js";
import { WriteProgress } from "./write-progress.js";
import { WrittenFiles } from "./written-files.js";

/**
 * The first of the three steps that turn layers into one canonical tar: `TopDownPass` →
 * `MergedImage` → `RemainingOutput`. Each step returns the object that allows the next one.
 *
 * This step reads the layers from the top down and writes each file to the output while it streams
 * past, unless a layer above hides or replaces it. Most images are therefore decompressed only
 * once. The step goes by names alone, so a symlink can invalidate what it wrote:
 * `MergedImage.matchesEarlyOutput` tells.
 *
 * The tar contains the contents first, then the directories, then names without contents:
 * mksquashfs accepts a directory's attributes after its children.
 *
 * Invariant: one pass reads one image once; call `run` at most once. `newestMtime` and
 * `predictRootAttributes` cover the layers that have been read when they are called.
 */
export class TopDownPass {
  readonly #options: FlattenOptions;
  readonly #captured: CapturedFiles;
  readonly #written = new WrittenFiles();
  readonly #progress: WriteProgress;
  /** Layers with names that would lead out of the root; each causes one warning. */
  readonly #escaping = new Set<Layer>();
  #newestMtime = 0;
  /** The root directory's entry in the uppermost layer that has one, of those read so far. */
  #uppermostRoot: TarEntry | undefined;

  constructor(options: FlattenOptions) {
    this.#options = options;
    const { capture, scratch, onCaptured } = options;
    this.#captured = new CapturedFiles(capture, scratch, onCaptured);
    this.#progress = new WriteProgress(options.layers, options.onProgress);
  }

  /** Newest modification time in the layers read so far, in seconds; 0 if there is none. */
  get newestMtime(): number {
    return this.#newestMtime;
  }

  /** The attributes that the root directory of the merged image will most likely have. */
  async predictRootAttributes(): Promise<DirectoryAttributes> {
    if (this.#uppermostRoot !== undefined) return this.#uppermostRoot;
    const base = this.#options.layers[0];
    if (base === undefined) return impliedAttributes(0);
    const first = await readFirstEntry(base, this.#options.signal);
    return first !== undefined && isRoot(first) ? first : impliedAttributes(base.impliedMtime);
  }

  /**
   * Reads all layers and merges them.
   * @param output receives files while they stream past; if undefined, nothing is written early
   * @throws NetbootError as `readLayer`
   */
  async run(output: TarOutput | undefined): Promise<MergedImage> {
    const { signal } = this.#options;
    await this.#captured.prepare();
    const tree = await mergeLayers(await this.#readDownwards(output), signal);
    return new MergedImage({
      options: this.#options,
      tree,
      newestMtime: this.#newestMtime,
      captured: this.#captured,
      written: this.#written,
      progress: this.#progress,
    });
  }

  /** @returns the entries of each layer, bottom first */
  async #readDownwards(output: TarOutput | undefined): Promise<LayerEntries[]> {
    const { layers, limits, signal } = this.#options;
    const shadowed = new ShadowedPaths();
    const read: LayerEntries[] = [];
    let writer = output && new CanonicalTarWriter(output, limits);
    for (const layer of layers.toReversed()) {
      const entries: TarEntry[] = [];
      const visitor: LayerVisitor = {
        entry: (entry, ordinal) => {
          entries.push(entry);
          this.#note(layer, entry);
          const path = normalizePath(entry.name);
          if (!isFile(entry) || classifyEntry(path.split("/")).kind !== "ordinary") {
            return undefined;
          }
          if (!shadowed.survives(path)) return undefined;
          const location = { layer: layer.number, ordinal };
          const capture = this.#captured.sinkFor(path, entry.size, location);
          if (writer === undefined || entry.size === 0) return capture;
          if (this.#written.conflictsWith(path)) {
            // A later entry of this layer replaces what was written, so the output is useless.
            writer = undefined;
            return capture;
          }
          return tee(this.#write(writer, path, entry), capture);
        },
        ready: () => output?.ready(),
        trailingData: () => {
          const text = `${describeLayer(layer)} has data after the end of its archive, which is ignored.`;
          this.#options.onWarning?.(text);
        },
      };
      await readLayer(layer, visitor, signal);
      // The bottom layer does not shadow anything.
      if (layer.number > 0) blamingLayer(layer, () => shadowed.add(entries));
      this.#progress.estimate.endLayer(layer);
      read.push({ layer, entries });
    }
    return read.reverse();
  }

  #write(writer: CanonicalTarWriter, path: ByteString, entry: InodeEntry): ContentSink {
    this.#written.add(entry, path);
    return startFile(writer, path, entry, this.#progress);
  }

  /** Records what the output's options depend on, and warns about unusual names. */
  #note(layer: Layer, entry: TarEntry): void {
    this.#newestMtime = Math.max(this.#newestMtime, entry.mtime, layer.impliedMtime);
    this.#progress.estimate.add(entry.size);
    if (isRoot(entry)) this.#uppermostRoot ??= entry;
    if (escapesRoot(entry.name) && !this.#escaping.has(layer)) {
      this.#escaping.add(layer);
      const name = JSON.stringify(display(entry.name));
      const text = `${describeLayer(layer)} has an entry ${name}, which would lead out of the root directory; it is kept inside.`;
      this.#options.onWarning?.(text);
    }
  }
}

function isFile(entry: TarEntry): entry is InodeEntry {
  return entry.type === "file";
}

function isRoot({ name, type }: TarEntry): boolean {
  return type === "directory" && normalizePath(name) === "";
}
