import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Layer, type TarOutput, TopDownPass } from "../../../src/layers/index.js";
import { FileBlob } from "../../../src/sources/image-source/file-blob.js";
import { squashfsLimits } from "../../../src/squashfs/index.js";
import { layerCreated, sha256, type TestLayer } from "../../support/image-layout.js";
import { compress } from "../../support/layer-compression.js";
import { listTree, type TreeListing } from "../../support/tree-listing.js";
import { unpackWithGnuTar } from "./unpacked-trees.js";

/**
 * The tree that the program makes of layers, without a squashfs: GNU tar unpacks the archive that
 * mksquashfs would read. The root directory is not part of that archive.
 * @param isEarly whether to write files while the layers are being read
 */
export async function flattenedTree(
  layers: readonly TestLayer[],
  scratch: string,
  isEarly = true,
): Promise<TreeListing> {
  const archive = join(scratch, "flattened.tar");
  const written = await Promise.all(layers.map(layerIn(scratch, layers.length)));
  await flatten(written, archive, scratch, isEarly);
  const root = join(scratch, "flattened-root");
  await mkdir(root);
  await unpackWithGnuTar(archive, root);
  return listTree(root);
}

function layerIn(scratch: string, count: number) {
  return async (layer: TestLayer, number: number): Promise<Layer> => {
    const blob = layer.blob ?? compress(layer.tar, layer.compression ?? "none");
    const path = join(scratch, `layer-${number}`);
    await writeFile(path, blob);
    const descriptor = { mediaType: "x", digest: sha256(blob), size: blob.length };
    return {
      number,
      count,
      blob: new FileBlob(descriptor, path),
      diffId: layer.diffId ?? sha256(layer.tar),
      impliedMtime: layerCreated(number),
    };
  };
}

/** Does what extract does, including a fresh start if the early output is wrong. */
async function flatten(
  layers: Layer[],
  archive: string,
  scratch: string,
  isEarly: boolean,
): Promise<void> {
  const pass = new TopDownPass({
    layers,
    capture: () => undefined,
    scratch: join(scratch, "captured"),
    limits: squashfsLimits,
    signal: new AbortController().signal,
  });
  let output = new ArchiveFile(archive);
  try {
    const merged = await pass.run(isEarly ? output : undefined);
    if (merged.matchesEarlyOutput) {
      await merged.continueOutput().writeTo(output);
    } else {
      output.close();
      output = new ArchiveFile(archive);
      await merged.startOver().writeTo(output);
    }
  } finally {
    output.close();
  }
}

class ArchiveFile implements TarOutput {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  write(bytes: Buffer): void {
    writeSync(this.#file, bytes);
  }

  ready(): undefined {}

  close(): void {
    closeSync(this.#file);
  }
}
