import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { TreeListing } from "./tree-listing.js";

/** Fails with only the paths at which two trees differ. */
export function assertSameTree(actual: TreeListing, expected: TreeListing): void {
  const paths = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  const differing = [...paths].filter((path) => !isDeepStrictEqual(actual[path], expected[path]));
  const only = (tree: TreeListing) =>
    Object.fromEntries(differing.map((path) => [path, tree[path]]));
  assert.deepEqual(only(actual), only(expected));
}
