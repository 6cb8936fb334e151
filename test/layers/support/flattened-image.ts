import { type Layer, type TarOutput, TopDownPass } from "../../../src/layers/index.js";
import type { Blob } from "../../../src/sources/index.js";
import {
  type MksquashfsVersion,
  planSquashfs,
  probeMksquashfs,
  type SquashfsFacts,
  type SquashfsPlan,
  squashfsLimits,
} from "../../../src/squashfs/index.js";
import { findRunAsPrefix } from "../../../src/squashfs/run-as.js";
import { imageCreated, layerCreated, sha256 } from "../../support/image-layout.js";

export interface FlattenedImage {
  /** The archive for mksquashfs. The root directory is not part of it. */
  readonly archive: Buffer;
  /** Newest modification time in all layers; seconds. */
  readonly newestMtime: number;
  readonly root: SquashfsFacts["root"];
  /** False if what was written while the layers were read had to be written again. */
  readonly matchesEarlyOutput: boolean;
}

/**
 * Does in this process what `extract` does before it starts mksquashfs, for an image of these layers.
 * @param layers plain archives, bottom first
 * @param scratch an existing directory
 * @param isEarly whether to write files while the layers are being read
 */
export async function flattenImage(
  layers: readonly Buffer[],
  scratch: string,
  isEarly = true,
): Promise<FlattenedImage> {
  const pass = new TopDownPass({
    layers: layers.map((tar, number) => layerOf(tar, number, layers.length)),
    capture: () => undefined,
    scratch,
    limits: squashfsLimits,
    signal: new AbortController().signal,
  });
  const early = new MemoryOutput();
  const merged = await pass.run(isEarly ? early : undefined);
  const { matchesEarlyOutput } = merged;
  const output = matchesEarlyOutput ? early : new MemoryOutput();
  const remaining = matchesEarlyOutput ? merged.continueOutput() : merged.startOver();
  await remaining.writeTo(output);
  return {
    archive: Buffer.concat(output.chunks),
    newestMtime: merged.newestMtime,
    root: { xattrs: new Map(), ...merged.root.attributes },
    matchesEarlyOutput,
  };
}

/** The words that run mksquashfs, except for its input and its output. */
export interface MksquashfsCommand {
  readonly program: readonly string[];
  readonly options: SquashfsPlan["options"];
  readonly environment: SquashfsPlan["environment"];
}

let probed: Promise<MksquashfsVersion> | undefined;

/** How `extract` runs mksquashfs for this image. */
export async function planMksquashfs(image: FlattenedImage): Promise<MksquashfsCommand> {
  probed ??= probeMksquashfs();
  const version = await probed;
  const { options, environment, runAs } = planSquashfs(version, {
    compression: { compressor: "lz4" },
    blockSize: 2 ** 20,
    created: imageCreated,
    ...image,
  });
  const prefix = runAs === undefined ? [] : await findRunAsPrefix(runAs, version);
  return { program: [...prefix, version.path], options, environment };
}

class MemoryOutput implements TarOutput {
  readonly chunks: Buffer[] = [];

  write(bytes: Buffer): void {
    this.chunks.push(Buffer.from(bytes));
  }

  ready(): undefined {}
}

function layerOf(tar: Buffer, number: number, count: number): Layer {
  const digest = sha256(tar);
  return {
    number,
    count,
    blob: new MemoryBlob({ mediaType: "x", digest, size: tar.length }, tar),
    diffId: digest,
    impliedMtime: layerCreated(number),
  };
}

/** A blob without a file, for layers that no program decompresses. */
class MemoryBlob implements Blob {
  readonly path = "/nonexistent";
  readonly isComplete = true;
  readonly complete = Promise.resolve();

  constructor(
    readonly descriptor: Blob["descriptor"],
    readonly bytes: Buffer,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  async *read(): AsyncGenerator<Buffer> {
    yield this.bytes;
  }
}
