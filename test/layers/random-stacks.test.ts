import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NetbootError } from "../../src/index.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { type TestLayer, writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import type { TreeListing, TreeRecord } from "../support/tree-listing.js";
import { flattenedTree } from "./support/flattened-tree.js";
import { type RandomStack, randomStack, wildStack } from "./support/random-layers.js";
import {
  extractedTree,
  umociTree,
  withDirectory,
  withoutRootTime,
} from "./support/unpacked-trees.js";

/** Set LAYERS_SEED and LAYERS_RUNS to choose others. */
const seed = Number(process.env.LAYERS_SEED ?? 20_240_101);
const runs = Number(process.env.LAYERS_RUNS ?? 300);

describe(`a random stack of layers, seed ${seed}`, () => {
  it(`results in the same tree as with umoci, ${runs} times`, async (t) => {
    await compareMany(runs, flattenedTree, t);
  });

  it("results in the same tree as with umoci after extract and unsquashfs, 30 times", async (t) => {
    await compareMany(30, extracted, t);
  });
});

describe(`a random stack of layers with arbitrary hard links, seed ${seed}`, () => {
  it("results in the same tree or error, whether files are written early or not", async (t) => {
    let refused = 0;
    const property = fc.asyncProperty(wildStack, async ({ layers }) => {
      const stack = [baseLayer, ...layers].map((parts) => ({ tar: tar(parts) }));
      const [early, late] = await Promise.all([
        treeOrRefusal(stack, true),
        treeOrRefusal(stack, false),
      ]);
      assert.deepEqual(early, late);
      if (typeof early === "string") refused += 1;
    });
    await fc.assert(property, { seed, numRuns: runs });
    t.diagnostic(`seed ${seed}: ${refused} of ${runs} refused`);
    assert.ok(refused < (runs * 2) / 3, "too few stacks could be compared");
  });
});

async function treeOrRefusal(layers: TestLayer[], isEarly: boolean): Promise<TreeListing | string> {
  try {
    const tree = withDirectory((scratch) => flattenedTree(layers, scratch, isEarly));
    return withoutRootTime(await tree);
  } catch (error) {
    assert.ok(error instanceof NetbootError && error.code === "LAYER_DAMAGED", String(error));
    return error.message.replace(/sha256:[0-9a-f]+/, "");
  }
}

type Unpack = (layers: readonly TestLayer[], scratch: string) => Promise<TreeListing>;

async function extracted(layers: readonly TestLayer[], scratch: string): Promise<TreeListing> {
  const layout = join(scratch, "layout");
  await writeLayout(layout, layers);
  return (await extractedTree(layout, scratch)).tree;
}

async function compareMany(
  numRuns: number,
  unpack: Unpack,
  t: { diagnostic(text: string): void },
): Promise<void> {
  const counts = { compared: 0, "refused by both": 0, "refused by umoci alone": 0 };
  const property = fc.asyncProperty(randomStack, async (stack) => {
    counts[await compare(stack, unpack)] += 1;
  });
  await fc.assert(property, { seed, numRuns });
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`);
  assert.ok(counts.compared > numRuns / 3, "too few stacks could be compared");
}

type Outcome = "compared" | "refused by both" | "refused by umoci alone";

/** umoci refuses links to later or hidden files, and children of files; the named cases cover these. */
async function compare(stack: RandomStack, unpack: Unpack): Promise<Outcome> {
  return withDirectory(async (scratch) => {
    const layers = [baseLayer, ...stack.layers].map((parts) => ({ tar: tar(parts) }));
    const layout = join(scratch, "reference");
    await writeLayout(layout, layers);
    const [ours, theirs] = await Promise.allSettled([
      unpack(layers, scratch),
      umociTree(layout, scratch),
    ]);
    if (ours.status === "rejected") {
      const error = ours.reason;
      assert.ok(error instanceof NetbootError && error.code === "LAYER_DAMAGED", String(error));
      assert.equal(
        theirs.status,
        "rejected",
        `umoci accepts what is refused here: ${error.message}`,
      );
      return "refused by both";
    }
    if (theirs.status === "rejected") return "refused by umoci alone";
    assertSameTree(comparable(ours.value, stack), comparable(theirs.value, stack));
    return "compared";
  });
}

/**
 * Without what the named cases cover: umoci gives the time of unpacking to directories that it
 * implies or empties, and keeps the lower attributes of an implied directory whose whiteout comes
 * late. The root directory is not in the archive.
 */
function comparable(tree: TreeListing, { hasWhiteoutsFirst }: RandomStack): TreeListing {
  const records: Record<string, TreeRecord> = {};
  for (const [path, record] of Object.entries(tree)) {
    if (path === ".") continue;
    if (record.type !== "directory") records[path] = record;
    else if (hasWhiteoutsFirst) records[path] = { ...record, mtime: 0 };
    else records[path] = { type: record.type, mode: "", owner: "", mtime: 0 };
  }
  return records;
}
