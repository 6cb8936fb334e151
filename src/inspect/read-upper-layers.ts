import { captureRule, ImageTree, isKernelPath } from "../kairos/index.js";
import { Directory, type Layer, totalContentBytes, UpperLayers } from "../layers/index.js";
import type { Platform, ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { formatBytes } from "../support/index.js";
import { type BootFacts, readBootFacts } from "./boot-facts.js";
import { LowerLayersNeeded, UpperTree } from "./upper-tree.js";

/** The result of reading an image's layers from the top down. */
export interface LayerFindings {
  readonly facts: BootFacts;
  /** Number of the lowest layer that was read, from 0. */
  readonly lowestLayer: number;
  /** Bytes of all files; undefined if some layers were not read. */
  readonly contentBytes: number | undefined;
}

export interface ReadUpperLayersOptions {
  readonly image: ResolvedImage;
  readonly source: ImageSource;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onMessage: (text: string) => void;
}

/**
 * Fetches and reads one layer after the other, from the top down, until the layers below cannot
 * change the result.
 * @throws NetbootError
 */
export async function readUpperLayers(options: ReadUpperLayersOptions): Promise<LayerFindings> {
  const { image, source, scratch, signal, onMessage } = options;
  const { layers } = image.manifest;
  const assumed = image.isArchitectureAssumed ? image.platform : undefined;
  const capture = captureRule({});
  const upper = new UpperLayers({
    // A kernel's version may be needed, but nothing in an initrd.
    capture: (path, size) => {
      const kind = capture(path, size);
      return kind === "memory" || isKernelPath(path) ? kind : undefined;
    },
    scratch,
    signal,
  });
  for (const [number, descriptor] of [...layers.entries()].reverse()) {
    await source.reserve([descriptor]);
    const size = formatBytes(descriptor.size);
    onMessage(`Reading layer ${number + 1} of ${layers.length} (${size}).`);
    const layer: Layer = {
      number,
      count: layers.length,
      blob: source.fetch(descriptor),
      diffId: diffIdOf(image, number),
      impliedMtime: 0,
    };
    await upper.add(layer);
    const findings = await conclude(upper, number, assumed);
    if (findings !== undefined) return findings;
  }
  const empty = new Directory({ mode: 0o755, uid: 0, gid: 0, mtime: 0 });
  const facts = await readBootFacts(new ImageTree(empty), upper, assumed);
  return { facts, lowestLayer: 0, contentBytes: 0 };
}

/** @returns undefined if the result depends on the layers below */
async function conclude(
  upper: UpperLayers,
  lowestLayer: number,
  assumed: Platform | undefined,
): Promise<LayerFindings | undefined> {
  const root = upper.merge();
  if (root === undefined) return undefined;
  const isComplete = lowestLayer === 0;
  const tree = isComplete ? new ImageTree(root) : new UpperTree(root);
  try {
    const facts = await readBootFacts(tree, upper, assumed);
    return { facts, lowestLayer, contentBytes: isComplete ? totalContentBytes(root) : undefined };
  } catch (error) {
    if (error instanceof LowerLayersNeeded) return undefined;
    throw error;
  }
}

function diffIdOf({ config }: ResolvedImage, number: number): string {
  const diffId = config.rootfs.diff_ids[number];
  if (diffId !== undefined) return diffId;
  // oci-client rejects such an image.
  throw new Error(`the image's configuration has no diff ID for layer ${number + 1}`);
}
