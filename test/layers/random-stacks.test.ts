import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NetbootError } from "../../src/index.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { type TestLayer, writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import type { Tree, TreeRecord } from "../support/tree-listing.js";
import { flattenedTree } from "./support/flattened-tree.js";
import { type RandomStack, randomStack, wildStack } from "./support/random-layers.js";
import {
  extractedTree,
  umociTree,
  withDirectory,
  withoutRootTime,
} from "./support/unpacked-trees.js";

/** LAYERS_SEED and LAYERS_RUNS choose others. */
const seed = Number(process.env.LAYERS_SEED ?? 20_240_101);
const runs = Number(process.env.LAYERS_RUNS ?? 300);

describe(`random stacks of layers, seed ${seed}`, () => {
  it(`make the trees that umoci makes of them, ${runs} times`, async (t) => {
    await compareMany(runs, flattenedTree, t);
  });

  it("make the same trees on their whole way through a squashfs, 30 times", async (t) => {
    await compareMany(30, extracted, t);
  });
});

describe(`random stacks of layers and links to anything, seed ${seed}`, () => {
  it("make one tree or one error, written while the layers are read or after that", async (t) => {
    let refused = 0;
    const property = fc.asyncProperty(wildStack, async ({ layers }) => {
      const stack = [baseLayer, ...layers].map((parts) => ({ tar: tar(parts) }));
      const [meanwhile, afterwards] = await Promise.all([
        treeOrRefusal(stack, true),
        treeOrRefusal(stack, false),
      ]);
      assert.deepEqual(meanwhile, afterwards);
      if (typeof meanwhile === "string") refused += 1;
    });
    await fc.assert(property, { seed, numRuns: runs });
    t.diagnostic(`seed ${seed}: ${refused} of ${runs} refused`);
    assert.ok(refused < (runs * 2) / 3, "too few stacks were of any use");
  });
});

async function treeOrRefusal(layers: TestLayer[], isEarly: boolean): Promise<Tree | string> {
  try {
    const tree = withDirectory((scratch) => flattenedTree(layers, scratch, isEarly));
    return withoutRootTime(await tree);
  } catch (error) {
    assert.ok(error instanceof NetbootError && error.code === "LAYER_DAMAGED", String(error));
    return error.message.replace(/sha256:[0-9a-f]+/, "");
  }
}

type Unpack = (layers: readonly TestLayer[], scratch: string) => Promise<Tree>;

async function extracted(layers: readonly TestLayer[], scratch: string): Promise<Tree> {
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
  assert.ok(counts.compared > numRuns / 3, "too few stacks were of any use");
}

type Outcome = "compared" | "refused by both" | "refused by umoci alone";

/** umoci refuses links to what comes later or was hidden, and children of files; facts decide there. */
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
      assert.equal(theirs.status, "rejected", `umoci takes what is refused here: ${error.message}`);
      return "refused by both";
    }
    if (theirs.status === "rejected") return "refused by umoci alone";
    assertSameTree(comparable(ours.value, stack), comparable(theirs.value, stack));
    return "compared";
  });
}

/**
 * umoci gives directories that it implies or empties the time of unpacking, and keeps the lower
 * attributes of an implied directory whose whiteout comes late: these are left to the table of
 * named cases. The root is not in the archive.
 */
function comparable(tree: Tree, { hasWhiteoutsFirst }: RandomStack): Tree {
  const records: Record<string, TreeRecord> = {};
  for (const [path, record] of Object.entries(tree)) {
    if (path === ".") continue;
    if (record.type !== "directory") records[path] = record;
    else if (hasWhiteoutsFirst) records[path] = { ...record, mtime: 0 };
    else records[path] = { type: record.type, mode: "", owner: "", mtime: 0 };
  }
  return records;
}
