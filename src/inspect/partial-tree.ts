import { ImageTree } from "../kairos/index.js";
import type { LookupResult, PathParts } from "../layers/index.js";

/** What was asked for may be in a layer that was not read yet. */
export class LowerLayersNeeded extends Error {}

/**
 * The tree of an image's upper layers. It answers for what it has, which hides whatever is below;
 * what it lacks may be below.
 */
export class UpperTree extends ImageTree {
  protected override lookUp(parts: PathParts): LookupResult {
    const found = super.lookUp(parts);
    if (found === undefined) throw new LowerLayersNeeded();
    return found;
  }

  /** Layers below may add names to any directory. */
  override list(): never {
    throw new LowerLayersNeeded();
  }
}
