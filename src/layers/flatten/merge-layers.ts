import { setImmediate } from "node:timers/promises";
import { interrupted } from "../../support/index.js";
import { FormatError } from "../../tar/index.js";
import { type Layer, type LayerEntries, layerDamaged } from "../read/layer.js";
import { Tree } from "../tree/tree.js";

/** Time of uninterrupted merging after which pending signals are handled. */
const maxUninterruptedMs = 100;

/**
 * Merges the entries of all layers of an image.
 * @param layers bottom first
 * @throws NetbootError LAYER_DAMAGED, INTERRUPTED
 */
export async function mergeLayers(
  layers: readonly LayerEntries[],
  signal: AbortSignal,
): Promise<Tree> {
  const tree = new Tree();
  let pause = performance.now() + maxUninterruptedMs;
  for (const { layer, entries } of layers) {
    const steps = tree.applying({ entries, impliedMtime: layer.impliedMtime });
    while (!blamingLayer(layer, () => steps.next()).done) {
      if (performance.now() < pause) continue;
      await setImmediate();
      if (signal.aborted) throw interrupted();
      pause = performance.now() + maxUninterruptedMs;
    }
  }
  return tree;
}

/** Turns a FormatError into an error that names the layer. */
export function blamingLayer<Result>(layer: Layer, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw error instanceof FormatError ? layerDamaged(layer, error) : error;
  }
}
