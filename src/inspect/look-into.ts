import { captureRule, ImageTree } from "../kairos/index.js";
import { Directory, type Layer, totalContentBytes, UpperLayers } from "../layers/index.js";
import type { ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import { formatBytes } from "../support/index.js";
import { type BootFacts, readBootFacts } from "./boot-facts.js";
import { LowerLayersNeeded, UpperTree } from "./partial-tree.js";

/** What was found in an image's layers, and how far down they were read. */
export interface Look {
  readonly facts: BootFacts;
  /** Number of the lowest layer that was read, from 0. */
  readonly lowest: number;
  /** Bytes of all files; undefined where not all layers were read. */
  readonly contents: number | undefined;
}

export interface LookOptions {
  readonly image: ResolvedImage;
  readonly source: ImageSource;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onMessage: (text: string) => void;
}

/**
 * Fetches and reads one layer after the other, from the top down, until all that is asked for is
 * certain, whatever the layers below hold.
 * @throws NetbootError
 */
export async function lookInto(options: LookOptions): Promise<Look> {
  const { image, source, scratch, signal, onMessage } = options;
  const { layers } = image.manifest;
  const capture = captureRule({});
  const upper = new UpperLayers({
    // Kernel and initrd are found, and not needed.
    capture: (path, size) => (capture(path, size) === "memory" ? "memory" : undefined),
    scratch,
    signal,
  });
  for (const [number, descriptor] of [...layers.entries()].reverse()) {
    await source.reserve([descriptor]);
    const size = formatBytes(descriptor.size);
    onMessage(`Looking into layer ${number + 1} of ${layers.length} (${size}).`);
    const layer: Layer = {
      number,
      count: layers.length,
      blob: source.fetch(descriptor),
      diffId: image.config.rootfs.diff_ids[number]!,
      impliedMtime: 0,
    };
    await upper.add(layer);
    const look = await conclude(upper, number);
    if (look !== undefined) return look;
  }
  const empty = new Directory({ mode: 0o755, uid: 0, gid: 0, mtime: 0 });
  const facts = await readBootFacts(new ImageTree(empty), (inode) => upper.read(inode));
  return { facts, lowest: 0, contents: 0 };
}

/** @returns undefined where it takes the layers below to tell */
async function conclude(upper: UpperLayers, lowest: number): Promise<Look | undefined> {
  const root = upper.merge();
  if (root === undefined) return undefined;
  const tree = lowest === 0 ? new ImageTree(root) : new UpperTree(root);
  try {
    const facts = await readBootFacts(tree, (inode) => upper.read(inode));
    return { facts, lowest, contents: lowest === 0 ? totalContentBytes(root) : undefined };
  } catch (error) {
    if (error instanceof LowerLayersNeeded) return undefined;
    throw error;
  }
}
