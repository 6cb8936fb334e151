import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { decompress } from "../../compression/index.js";
import type { Blob } from "../../sources/index.js";
import { interrupted, NetbootError, systemCode } from "../../support/index.js";
import { display, FormatError, type TarEntry, TarReader } from "../../tar/index.js";

/**
 * Bytes of content after which signals are looked at: the holes of sparse files come without
 * anything to wait for.
 */
const longestStretch = 64 * 1024 * 1024;

/** One layer of an image. */
export interface Layer {
  /** From 0 at the bottom. */
  readonly number: number;
  readonly count: number;
  readonly blob: Blob;
  /** `sha256:…` of the plain tar (OCI image-spec, config.md, "Layer DiffID"). */
  readonly diffId: string;
  /** Modification time of directories that the layer needs and does not name; seconds. */
  readonly impliedMtime: number;
}

/** Takes the contents of one file; the bytes may be overwritten once `write` returns. */
export interface ContentSink {
  write(bytes: Buffer): void;
  end(): void;
}

export interface LayerVisitor {
  /** Called for each entry in order; the contents of a file go to the sink it returns. */
  entry(entry: TarEntry, ordinal: number): ContentSink | undefined;
  /** Asked after each piece of content: something to wait for before the next. */
  ready?(): Promise<void> | undefined;
  /** True once nothing more of the layer is wanted; it is then not read to its end. */
  isSatisfied?(): boolean;
}

/**
 * Reads a layer from its first byte to its last and checks its diff ID.
 * @throws NetbootError LAYER_DAMAGED, LAYER_MISMATCH, INTERRUPTED, and what the blob throws
 */
export async function readLayer(
  layer: Layer,
  visitor: LayerVisitor,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader();
  const hash = createHash("sha256");
  let ordinal = 0;
  let sink: ContentSink | undefined;
  let unbroken = 0;
  try {
    for await (const chunk of decompress(layer.blob, signal)) {
      signal.throwIfAborted();
      hash.update(chunk);
      for (const event of reader.push(chunk)) {
        if (event.kind === "entry") {
          sink = visitor.entry(event.entry, ordinal);
          ordinal += 1;
          if (sink === undefined && visitor.isSatisfied?.()) return;
        } else if (event.kind === "end") {
          sink?.end();
          sink = undefined;
        } else {
          unbroken += event.bytes.length;
          if (unbroken > longestStretch) {
            unbroken = 0;
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
    // Other bytes than the digest's, or none, are the reason that matters.
    if (mayBeOfBlob(error)) await layer.blob.complete;
    if (error instanceof FormatError) throw damaged(layer, error, display(reader.lastName));
    throw error;
  }
  checkDiffId(layer, `sha256:${hash.digest("hex")}`);
}

function mayBeOfBlob(error: unknown): boolean {
  return error instanceof FormatError || systemCode(error) === "ENOENT";
}

export function describeLayer(layer: Layer): string {
  return `Layer ${layer.number + 1} of ${layer.count} (${layer.blob.descriptor.digest})`;
}

/** The error for something in a layer that breaks the rules. */
export function damaged(layer: Layer, cause: FormatError, near = ""): NetbootError {
  const place = near === "" ? "" : ` at ${JSON.stringify(near)}`;
  return new NetbootError(
    "LAYER_DAMAGED",
    `${describeLayer(layer)} is damaged${place}: ${cause.message}.`,
    "The image itself is at fault: build or push it again, or choose another tag.",
    { cause },
  );
}

function checkDiffId(layer: Layer, actual: string): void {
  if (actual === layer.diffId) return;
  throw new NetbootError(
    "LAYER_MISMATCH",
    `${describeLayer(layer)} unpacks to ${actual}, but the image's configuration says ${layer.diffId}.`,
    "The image itself is at fault: build or push it again, or choose another tag.",
  );
}
