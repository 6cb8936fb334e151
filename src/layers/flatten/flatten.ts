import { setImmediate } from "node:timers/promises";
import { interrupted } from "../../support/index.js";
import { type ByteString, display, FormatError, type TarEntry } from "../../tar/index.js";
import { type KeepRule, KeptFiles } from "../read/captured-files.js";
import {
  type ContentSink,
  damaged,
  describeLayer,
  type Layer,
  type LayerVisitor,
  readLayer,
} from "../read/layer.js";
import { climbsOut, normalizePath } from "../tree/path.js";
import { Tree } from "../tree/tree.js";
import {
  type DirectoryAttributes,
  type Inode,
  type InodeEntry,
  impliedAttributes,
} from "../tree/tree-node.js";
import { meaningOf } from "../tree/whiteout.js";
import { Foresight } from "./shadowed-paths.js";
import { SizeEstimate } from "./size-estimate.js";
import { CanonicalTarWriter, type TarOutput } from "./tar-writer.js";
import { Shape } from "./write-plan.js";
import { WrittenFiles } from "./written-files.js";

/** Milliseconds of merging after which signals are looked at. */
const longestStretch = 100;

/** A tar output that can be full. */
export interface FlowingOutput extends TarOutput {
  /** Something to wait for before more is written; undefined while there is room. */
  ready(): Promise<void> | undefined;
}

export interface FlattenOptions {
  readonly layers: readonly Layer[];
  readonly keep: KeepRule;
  /** Scratch space for kept files, removed by the caller. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Bytes of file contents written so far, of how many or about how many. */
  onProgress?(written: number, total: number, isEstimate: boolean): void;
  /** Told what is done in another way than the image has it. */
  onWarning?(message: string): void;
}

/**
 * Merges layers into one tree and writes it as one tar, decompressing most images only once: the
 * layers are read from the top down, and each file is written while it passes by if no layer
 * above hides or replaces it. Then the tree is merged, and the rest is written. Symlinks can prove
 * wrong what was written by names alone: `isFaithful` tells.
 *
 * In the tar, contents come first, then directories, then names without contents: mksquashfs
 * takes a directory's attributes also after its children.
 */
export class Flattening {
  readonly #options: FlattenOptions;
  readonly #kept: KeptFiles;
  readonly #tree = new Tree();
  #isMerged = false;
  #written = new WrittenFiles();
  #writtenBytes = 0;
  #shape: Shape | undefined;
  /** Layers whose names would leave the root; told of once. */
  readonly #climbing = new Set<Layer>();
  readonly #estimate: SizeEstimate;
  #newestMtime = 0;
  /** The root directory's entry in the highest layer that has one, of those read so far. */
  #highestRoot: TarEntry | undefined;

  constructor(options: FlattenOptions) {
    this.#options = options;
    this.#kept = new KeptFiles(options.keep, options.scratch);
    this.#estimate = new SizeEstimate(options.layers);
  }

  /** Newest modification time of all layers read so far, in seconds; 0 where there are none. */
  get newestMtime(): number {
    return this.#newestMtime;
  }

  /** The merged tree; empty before `readLayers`. */
  get tree(): Tree {
    return this.#tree;
  }

  /** Attributes of the root directory, or what they will be by all appearances. */
  async rootAttributes(): Promise<DirectoryAttributes> {
    if (this.#isMerged) return this.#tree.root.attributes;
    if (this.#highestRoot !== undefined) return this.#highestRoot;
    const base = this.#options.layers[0]!;
    const first = await firstEntry(base, this.#options.signal);
    return first !== undefined && isRoot(first) ? first : impliedAttributes(base.impliedMtime);
  }

  /**
   * Reads all layers and merges them.
   * @param output where files that will survive are written as they pass; nowhere if undefined
   */
  async readLayers(output: FlowingOutput | undefined): Promise<void> {
    await this.#kept.prepare();
    await this.#merge(await this.#readDownwards(output));
  }

  /** @returns the entries of each layer */
  async #readDownwards(output: FlowingOutput | undefined): Promise<TarEntry[][]> {
    const foresight = new Foresight();
    const indexes: TarEntry[][] = [];
    let writer = output && new CanonicalTarWriter(output);
    for (const layer of this.#options.layers.toReversed()) {
      const entries: TarEntry[] = [];
      const visitor: LayerVisitor = {
        entry: (entry, ordinal) => {
          entries.push(entry);
          this.#note(layer, entry);
          const path = normalizePath(entry.name);
          if (!isFile(entry) || meaningOf(path.split("/")).kind !== "file") return undefined;
          if (!foresight.survives(path)) return undefined;
          const kept = this.#kept.sinkFor(path, entry.size, { layer: layer.number, ordinal });
          if (writer === undefined || entry.size === 0) return kept;
          if (this.#written.conflictsWith(path)) {
            // A later entry of this layer replaced what was written: all will be written again.
            writer = undefined;
            return kept;
          }
          this.#written.add(entry, path);
          return tee(this.#writeFile(writer, path, entry), kept);
        },
        ready: () => output?.ready(),
      };
      await readLayer(layer, visitor, this.#options.signal);
      // Nothing lies below the lowest.
      if (layer.number > 0) this.#guard(layer, () => foresight.add(entries));
      this.#estimate.endLayer(layer);
      indexes[layer.number] = entries;
    }
    return indexes;
  }

  /** True when every file that was written early stands in the merged tree under that name. */
  get isFaithful(): boolean {
    return this.#written.areIn(this.#tree.root);
  }

  /** Forgets what was written: the next output starts from nothing. */
  restart(): void {
    this.#written = new WrittenFiles();
    this.#writtenBytes = 0;
  }

  /** Counts of what the merged tree holds; known after `writeRest`. */
  get shape(): Shape {
    return this.#shape!;
  }

  /** Writes all that is not written yet but the root directory, and the end of the archive. */
  async writeRest(output: FlowingOutput): Promise<void> {
    this.#shape = new Shape(this.#tree, this.#written);
    this.#warnOfDroppedXattrs(this.#shape);
    const writer = new CanonicalTarWriter(output);
    this.#tellProgress();
    for (const layer of this.#options.layers) await this.#writeContents(layer, writer, output);
    for (const _ of this.#shape.writeTo(writer)) {
      const ready = output.ready();
      if (ready !== undefined) await ready;
    }
    writer.end();
  }

  /** Contents of a small file; reads its layer again if they were not kept. */
  async read(inode: Inode): Promise<Buffer> {
    await this.#ensureKept(inode);
    return this.#kept.read(inode);
  }

  /** Puts a file's contents at a path, which is to be in the file system of the scratch space. */
  async putAt(inode: Inode, path: string): Promise<void> {
    await this.#ensureKept(inode);
    await this.#kept.putAt(inode, path);
  }

  #warnOfDroppedXattrs({ droppedXattrs }: Shape): void {
    if (droppedXattrs.size === 0) return;
    const names = [...droppedXattrs].map(display).join(", ");
    this.#options.onWarning?.(`Squashfs cannot hold these extended attributes: ${names}.`);
  }

  async #ensureKept(inode: Inode): Promise<void> {
    await this.#kept.ensure(this.#options.layers[inode.layer]!, inode, this.#options.signal);
  }

  /** What is done with each entry when it is read for the first time. */
  #note(layer: Layer, entry: TarEntry): void {
    this.#newestMtime = Math.max(this.#newestMtime, entry.mtime, layer.impliedMtime);
    this.#estimate.add(entry.size);
    if (isRoot(entry)) this.#highestRoot ??= entry;
    if (climbsOut(entry.name) && !this.#climbing.has(layer)) {
      this.#climbing.add(layer);
      const name = JSON.stringify(display(entry.name));
      const text = `${describeLayer(layer)} has an entry ${name}, which would leave the root; it is kept inside.`;
      this.#options.onWarning?.(text);
    }
  }

  async #merge(indexes: readonly TarEntry[][]): Promise<void> {
    const { layers, signal } = this.#options;
    let pause = performance.now() + longestStretch;
    for (const layer of layers) {
      const { number, impliedMtime } = layer;
      const steps = this.#tree.applying({ entries: indexes[number]!, impliedMtime });
      while (!this.#guard(layer, () => steps.next()).done) {
        if (performance.now() < pause) continue;
        await setImmediate();
        if (signal.aborted) throw interrupted();
        pause = performance.now() + longestStretch;
      }
    }
    this.#isMerged = true;
  }

  #guard<Result>(layer: Layer, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      throw error instanceof FormatError ? damaged(layer, error) : error;
    }
  }

  async #writeContents(
    layer: Layer,
    writer: CanonicalTarWriter,
    output: FlowingOutput,
  ): Promise<void> {
    const wanted = this.#shape!.unwritten.get(layer.number);
    if (wanted === undefined) return;
    let missing = wanted.size;
    const visitor: LayerVisitor = {
      entry: (_entry, ordinal) => {
        const file = wanted.get(ordinal);
        if (file === undefined) return undefined;
        missing -= 1;
        return this.#writeFile(writer, file.path, file.inode.entry);
      },
      ready: () => output.ready(),
      isSatisfied: () => missing === 0,
    };
    await readLayer(layer, visitor, this.#options.signal);
  }

  #writeFile(writer: CanonicalTarWriter, path: ByteString, entry: InodeEntry): ContentSink {
    writer.inode(path, entry);
    return {
      write: (bytes) => {
        writer.content(bytes);
        this.#writtenBytes += bytes.length;
        this.#tellProgress();
      },
      end: () => writer.endFile(),
    };
  }

  #tellProgress(): void {
    const total = this.#shape?.contentBytes;
    const isEstimate = total === undefined;
    this.#options.onProgress?.(this.#writtenBytes, total ?? this.#estimate.bytes, isEstimate);
  }
}

/** The first entry of a layer, whose first bytes are enough. */
async function firstEntry(layer: Layer, signal: AbortSignal): Promise<TarEntry | undefined> {
  let first: TarEntry | undefined;
  const visitor: LayerVisitor = {
    entry: (entry) => {
      first ??= entry;
      return undefined;
    },
    isSatisfied: () => first !== undefined,
  };
  await readLayer(layer, visitor, signal);
  return first;
}

function isFile(entry: TarEntry): entry is InodeEntry {
  return entry.type === "file";
}

function isRoot({ name, type }: TarEntry): boolean {
  return type === "directory" && normalizePath(name) === "";
}

function tee(first: ContentSink, second: ContentSink | undefined): ContentSink {
  if (second === undefined) return first;
  return {
    write: (bytes) => {
      first.write(bytes);
      second.write(bytes);
    },
    end: () => {
      first.end();
      second.end();
    },
  };
}
