import { ImageTree } from "../kairos/index.js";
import type { LookupResult, PathParts } from "../layers/index.js";

/** The answer depends on layers that have not been read yet. */
export class LowerLayersNeeded extends Error {}

/**
 * The tree of an image's upper layers. A file in it hides everything below, so the answer is final. A
 * missing file may be in a lower layer.
 */
export class UpperTree extends ImageTree {
  protected override lookUp(parts: PathParts): LookupResult {
    const found = super.lookUp(parts);
    if (found === undefined) throw new LowerLayersNeeded();
    return found;
  }

  /** Lower layers may add names to any directory. */
  override list(): never {
    throw new LowerLayersNeeded();
  }
}
