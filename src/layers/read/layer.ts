import { setImmediate } from "node:timers/promises";
import { decompress } from "../../compression/index.js";
import { Digester } from "../../oci-client/index.js";
import type { Blob } from "../../sources/index.js";
import { interrupted, NetbootError, systemCode } from "../../support/index.js";
import { display, FormatError, type TarEntry, TarReader } from "../../tar/index.js";

/**
 * Bytes of contents after which pending signals are handled: the holes of a sparse file arrive
 * without anything to wait for.
 */
const maxUninterruptedBytes = 64 * 1024 * 1024;

/** One layer of an image. */
export interface Layer {
  /** From 0 at the bottom. */
  readonly number: number;
  /** Number of layers in the image. */
  readonly count: number;
  readonly blob: Blob;
  /** The digest of the uncompressed tar (OCI image-spec, config.md, "Layer DiffID"). */
  readonly diffId: string;
  /** Modification time of directories that the layer implies but does not name; seconds. */
  readonly impliedMtime: number;
}

/** A layer and its entries, in the order of its archive. */
export interface LayerEntries {
  readonly layer: Layer;
  readonly entries: readonly TarEntry[];
}

/** Receives the contents of one file. The bytes may be overwritten once `write` returns. */
export interface ContentSink {
  write(bytes: Buffer): void;
  end(): void;
}

export interface LayerVisitor {
  /** Called for each entry in order; the contents of a file go to the sink that it returns. */
  entry(entry: TarEntry, ordinal: number): ContentSink | undefined;
  /** Called after each piece of contents; returns a promise if reading has to wait. */
  ready?(): Promise<void> | undefined;
  /** True once the rest of the layer is not needed; the reader then stops. */
  isSatisfied?(): boolean;
}

/**
 * Reads a whole layer and checks its diff ID.
 * @throws NetbootError LAYER_DAMAGED, LAYER_MISMATCH, INTERRUPTED, and what the blob throws
 */
export async function readLayer(
  layer: Layer,
  visitor: LayerVisitor,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader();
  const digester = new Digester(layer.diffId);
  let ordinal = 0;
  let sink: ContentSink | undefined;
  let uninterrupted = 0;
  try {
    for await (const chunk of decompress(layer.blob, signal)) {
      signal.throwIfAborted();
      digester.update(chunk);
      for (const event of reader.push(chunk)) {
        if (event.kind === "entry") {
          sink = visitor.entry(event.entry, ordinal);
          ordinal += 1;
          if (sink === undefined && visitor.isSatisfied?.()) return;
        } else if (event.kind === "end") {
          sink?.end();
          sink = undefined;
        } else {
          uninterrupted += event.bytes.length;
          if (uninterrupted > maxUninterruptedBytes) {
            uninterrupted = 0;
            await setImmediate();
            signal.throwIfAborted();
          }
          if (sink === undefined) continue;
          sink.write(event.bytes);
          const ready = visitor.ready?.();
          if (ready !== undefined) await ready;
        }
      }
    }
    reader.finish();
    await layer.blob.complete;
  } catch (error) {
    if (signal.aborted) throw interrupted();
    // If the blob is missing or has the wrong digest, report that instead of its consequence.
    if (mayComeFromBlob(error)) await layer.blob.complete;
    if (error instanceof FormatError) throw layerDamaged(layer, error, display(reader.lastName));
    throw error;
  }
  checkDiffId(layer, digester.finish());
}

function mayComeFromBlob(error: unknown): boolean {
  return error instanceof FormatError || systemCode(error) === "ENOENT";
}

/** The first entry of a layer; reads only the beginning of its blob. */
export async function readFirstEntry(
  layer: Layer,
  signal: AbortSignal,
): Promise<TarEntry | undefined> {
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

export function describeLayer(layer: Layer): string {
  return `Layer ${layer.number + 1} of ${layer.count} (${layer.blob.descriptor.digest})`;
}

const imageAtFault = "The image itself is at fault: build or push it again, or choose another tag.";

/** The error for a layer that violates the format of tars or the rules of merging. */
export function layerDamaged(layer: Layer, cause: FormatError, near = ""): NetbootError {
  const place = near === "" ? "" : ` at ${JSON.stringify(near)}`;
  return new NetbootError(
    "LAYER_DAMAGED",
    `${describeLayer(layer)} is damaged${place}: ${cause.message}.`,
    imageAtFault,
    { cause },
  );
}

function checkDiffId(layer: Layer, actual: string): void {
  if (actual === layer.diffId) return;
  throw new NetbootError(
    "LAYER_MISMATCH",
    `${describeLayer(layer)} unpacks to ${actual}, but the image's configuration says ${layer.diffId}.`,
    imageAtFault,
  );
}
