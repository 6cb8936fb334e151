import pLimit from "p-limit";
import { type ByteString, display } from "./byte-string.js";
import { Foresight } from "./foresight.js";
import { type KeepRule, KeptFiles } from "./kept-files.js";
import {
  type ContentSink,
  damaged,
  describeLayer,
  type Layer,
  type LayerVisitor,
  readLayer,
} from "./layer.js";
import { LayerFormatError } from "./layer-format-error.js";
import { type Shape, shapeOf } from "./shape.js";
import type { TarEntry } from "./tar/tar-entry.js";
import { CanonicalTarWriter, type TarOutput } from "./tar-writer.js";
import { climbsOut, joinPath } from "./tree/path.js";
import { type LayerIndex, Tree } from "./tree/tree.js";
import { nodeAt } from "./tree/tree-lookup.js";
import { Inode } from "./tree/tree-node.js";
import { WrittenFiles } from "./written-files.js";

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
  /** Layers that are read at the same time. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Bytes of file contents written so far, of how many or about how many. */
  onProgress?(written: number, total: number, isEstimate: boolean): void;
  /** Told what is done in another way than the image has it. */
  onWarning?(message: string): void;
}

/**
 * Merges layers into one tree and writes it as one tar, decompressing most of the image only
 * once: all layers but the largest are read first, for their entries; then the largest is read,
 * and each file that will by all appearances survive is written while it passes by; then the
 * tree is complete, and the rest is written. Whether appearances held is told by `isFaithful`.
 *
 * In the tar, contents come first, then directories, then names without contents: mksquashfs
 * takes a directory's attributes also after its children.
 */
export class Flattening {
  readonly #options: FlattenOptions;
  /** Of layers that were read and not applied yet. */
  readonly #indexes: (LayerIndex | undefined)[];
  readonly #kept: KeptFiles;
  readonly #largest: number;
  #tree = new Tree();
  #appliedLayers = 0;
  #written = new WrittenFiles();
  #writtenBytes = 0;
  #shape: Shape | undefined;
  /** Layers whose names would leave the root; told of once. */
  readonly #climbing = new Set<Layer>();
  #newestMtime = 0;
  /** Bytes of contents of all layers read so far. */
  #readBytes = 0;
  /** About how many bytes of contents the image has. */
  #estimate = 0;

  constructor(options: FlattenOptions) {
    this.#options = options;
    this.#indexes = options.layers.map(() => undefined);
    this.#kept = new KeptFiles(options.keep, options.scratch);
    this.#largest = largestOf(options.layers);
  }

  /** Newest modification time of all layers read so far, in seconds; 0 where there are none. */
  get newestMtime(): number {
    return this.#newestMtime;
  }

  /** The tree of the layers applied so far; all of them after `readLargest`. */
  get tree(): Tree {
    return this.#tree;
  }

  /** Reads every layer but the largest for its entries, and applies those below the largest. */
  async readSmaller(): Promise<void> {
    await this.#kept.prepare();
    const limit = pLimit(this.#options.concurrency);
    const others = this.#options.layers.filter((layer) => layer.number !== this.#largest);
    await Promise.all(others.map((layer) => limit(() => this.#index(layer))));
    this.#applyUpTo(this.#largest);
    this.#estimate = this.#estimateContents();
  }

  /**
   * Reads the largest layer and completes the tree.
   * @param output where the files that will survive are written as they pass; nowhere if undefined
   */
  async readLargest(output: FlowingOutput | undefined): Promise<void> {
    const layer = this.#options.layers[this.#largest];
    if (layer === undefined) return;
    const foresight = this.#foresight();
    let writer = output && new CanonicalTarWriter(output);
    const visitor: LayerVisitor = {
      entry: (entry, ordinal) => {
        const kept = this.#note(layer, entry, ordinal);
        const parts = this.#guard(layer, () => this.#tree.add(entry));
        if (writer === undefined || parts === undefined || entry.size === 0) return kept;
        const inode = nodeAt(this.#tree.root, parts);
        if (!(inode instanceof Inode) || !foresight.survives(parts)) return kept;
        if (this.#written.conflictsWith(parts)) {
          // A later entry of this layer replaced what was written: all will be written again.
          writer = undefined;
          return kept;
        }
        return tee(this.#writeFile(writer, joinPath(parts), inode), kept);
      },
      ready: () => output?.ready(),
    };
    this.#tree.beginLayer(layer.impliedMtime);
    await readLayer(layer, visitor, this.#options.signal);
    this.#guard(layer, () => this.#tree.endLayer());
    this.#appliedLayers += 1;
    this.#applyUpTo(this.#options.layers.length);
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

  /** Counts of what the merged tree holds. */
  get shape(): Shape {
    this.#shape ??= shapeOf(this.#tree.root, this.#written);
    return this.#shape;
  }

  /** Writes all that is not written yet but the root directory, and the end of the archive. */
  async writeRest(output: FlowingOutput): Promise<void> {
    this.#shape = shapeOf(this.#tree.root, this.#written);
    this.#warnOfDroppedXattrs(this.#shape);
    const writer = new CanonicalTarWriter(output);
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
    return this.#kept.read(inode.location);
  }

  /** Puts a file's contents at a path, which is to be in the file system of the scratch space. */
  async putAt(inode: Inode, path: string): Promise<void> {
    await this.#ensureKept(inode);
    await this.#kept.putAt(inode.location, path);
  }

  #warnOfDroppedXattrs({ droppedXattrs }: Shape): void {
    if (droppedXattrs.size === 0) return;
    const names = [...droppedXattrs].map(display).join(", ");
    this.#options.onWarning?.(`Squashfs cannot hold these extended attributes: ${names}.`);
  }

  async #ensureKept({ location }: Inode): Promise<void> {
    if (this.#kept.has(location)) return;
    let isFound = false;
    const visitor: LayerVisitor = {
      entry: (_entry, ordinal) => {
        if (ordinal !== location.ordinal) return undefined;
        isFound = true;
        return this.#kept.diskSink(location);
      },
      isSatisfied: () => isFound,
    };
    await readLayer(this.#options.layers[location.layer]!, visitor, this.#options.signal);
  }

  async #index(layer: Layer): Promise<void> {
    const entries: TarEntry[] = [];
    const visitor: LayerVisitor = {
      entry: (entry, ordinal) => {
        entries.push(entry);
        return this.#note(layer, entry, ordinal);
      },
    };
    await readLayer(layer, visitor, this.#options.signal);
    this.#indexes[layer.number] = { entries, impliedMtime: layer.impliedMtime };
  }

  /** What is done with each entry of a layer that is read for the first time. */
  #note(layer: Layer, entry: TarEntry, ordinal: number): ContentSink | undefined {
    this.#newestMtime = Math.max(this.#newestMtime, entry.mtime, layer.impliedMtime);
    this.#readBytes += entry.size;
    if (climbsOut(entry.name) && !this.#climbing.has(layer)) {
      this.#climbing.add(layer);
      const name = JSON.stringify(display(entry.name));
      const text = `${describeLayer(layer)} has an entry ${name}, which would leave the root; it is kept inside.`;
      this.#options.onWarning?.(text);
    }
    return this.#kept.sinkFor(entry, { layer: layer.number, ordinal });
  }

  #applyUpTo(count: number): void {
    for (; this.#appliedLayers < count; this.#appliedLayers += 1) {
      const layer = this.#options.layers[this.#appliedLayers]!;
      this.#guard(layer, () => this.#tree.apply(this.#indexes[layer.number]!));
      this.#indexes[layer.number] = undefined;
    }
  }

  #foresight(): Foresight {
    const foresight = new Foresight();
    for (const layer of this.#options.layers.slice(this.#largest + 1)) {
      this.#guard(layer, () => foresight.add(this.#indexes[layer.number]!));
    }
    return foresight;
  }

  /** As if the largest layer were compressed as well as the others together. */
  #estimateContents(): number {
    let compressed = 0;
    for (const { number, blob } of this.#options.layers) {
      if (number === this.#largest) continue;
      compressed += blob.descriptor.size;
    }
    const largest = this.#options.layers[this.#largest]?.blob.descriptor.size ?? 0;
    const ratio = compressed > 1_000_000 ? this.#readBytes / compressed : usualRatio;
    return this.#readBytes + largest * ratio;
  }

  #guard<Result>(layer: Layer, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      throw error instanceof LayerFormatError ? damaged(layer, error) : error;
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
        return this.#writeFile(writer, file.path, file.inode);
      },
      ready: () => output.ready(),
      isSatisfied: () => missing === 0,
    };
    await readLayer(layer, visitor, this.#options.signal);
  }

  #writeFile(writer: CanonicalTarWriter, path: ByteString, inode: Inode): ContentSink {
    writer.inode(path, inode);
    this.#written.add(inode, path);
    return {
      write: (bytes) => {
        writer.content(bytes);
        this.#writtenBytes += bytes.length;
        const total = this.#shape?.contentBytes;
        const isEstimate = total === undefined;
        this.#options.onProgress?.(this.#writtenBytes, total ?? this.#estimate, isEstimate);
      },
      end: () => writer.endFile(),
    };
  }
}

/** Contents to compressed bytes, in images of Debian and Ubuntu. */
const usualRatio = 2.7;

function largestOf(layers: readonly Layer[]): number {
  let largest = 0;
  for (const { number, blob } of layers) {
    if (blob.descriptor.size > layers[largest]!.blob.descriptor.size) largest = number;
  }
  return largest;
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
