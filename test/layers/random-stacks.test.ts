import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NetbootError } from "../../src/support/index.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import type { TreeListing, TreeRecord } from "../support/tree-listing.js";
import { readArchive } from "../tar/support/read-archive.js";
import { flattenImage, planMksquashfs } from "./support/flattened-image.js";
import { type RandomStack, randomStack, wildStack } from "./support/random-layers.js";
import {
  gnuTar,
  throughSquashfs,
  treesOf,
  type Unpacker,
  umoci,
  unpackedTrees,
  withDirectory,
} from "./support/unpacked-trees.js";

/** Set LAYERS_SEED and LAYERS_RUNS to choose others; `make e2e` sets LAYERS_RUNS=2000. */
const seed = Number(process.env.LAYERS_SEED ?? 20_240_101);
const runs = Number(process.env.LAYERS_RUNS ?? 50);
const squashfsRuns = Math.ceil(runs / 10);

/** Stacks that are unpacked together. */
const batchSize = 100;

describe(`a random stack of layers, seed ${seed}`, () => {
  it(`results in the same tree as with umoci, ${runs} times`, async (t) => {
    await compareMany(runs, flattened, t);
  });

  it(`results in the same tree as with umoci after mksquashfs and unsquashfs, ${squashfsRuns} times`, async (t) => {
    await compareMany(squashfsRuns, squashed, t);
  });
});

describe(`a random stack of layers with arbitrary hard links, seed ${seed}`, () => {
  it("results in the same tree or error, whether files are written early or not", async (t) => {
    let refused = 0;
    const numRuns = 3 * runs;
    await withDirectory(async (scratch) => {
      const property = fc.asyncProperty(wildStack, async ({ layers }) => {
        const tars = [baseLayer, ...layers].map(tar);
        const [early, late] = await Promise.all([
          contentsOrRefusal(tars, scratch, true),
          contentsOrRefusal(tars, scratch, false),
        ]);
        assert.deepEqual(early, late);
        if (typeof early === "string") refused += 1;
      });
      await fc.assert(property, { seed, numRuns });
    });
    t.diagnostic(`seed ${seed}: ${refused} of ${numRuns} refused`);
    assert.ok(refused < (numRuns * 2) / 3, "too few stacks could be compared");
  });
});

type Contents = Readonly<Record<string, unknown>>;

async function contentsOrRefusal(
  layers: readonly Buffer[],
  scratch: string,
  isEarly: boolean,
): Promise<Contents | string> {
  try {
    return contentsOf((await flattenImage(layers, scratch, isEarly)).archive);
  } catch (error) {
    assert.ok(error instanceof NetbootError && error.code === "LAYER_DAMAGED", String(error));
    return error.message;
  }
}

/** By path, whatever the order of the entries, and whichever name of an inode comes first. */
function contentsOf(archive: Buffer): Contents {
  const { entries, refusal } = readArchive([archive]);
  assert.equal(refusal, undefined);
  const names = new Map(entries.map(({ entry: { name } }) => [name, [name]]));
  for (const { entry } of entries) {
    if (entry.type === "hardlink") names.get(entry.linkName)!.push(entry.name);
  }
  const inodes = entries.filter(({ entry }) => entry.type !== "hardlink");
  return Object.fromEntries(
    inodes.flatMap(({ entry, sha256 }) => {
      const own = names.get(entry.name)!.sort();
      return own.map((path) => [path, { ...entry, name: own, sha256 }]);
    }),
  );
}

/** The trees of stacks, or the errors with which they are refused. */
type Unpack = (
  stacks: readonly (readonly Buffer[])[],
  scratch: string,
) => Promise<(TreeListing | Error)[]>;

/** GNU tar unpacks what mksquashfs would read. */
async function flattened(...[stacks, scratch]: Parameters<Unpack>): ReturnType<Unpack> {
  return unpackAccepted(gnuTar, stacks, scratch, async (layers, index) => {
    const archive = join(scratch, `${index}.tar`);
    await writeFile(archive, (await flattenImage(layers, scratch)).archive);
    return archive;
  });
}

async function squashed(...[stacks, scratch]: Parameters<Unpack>): ReturnType<Unpack> {
  return unpackAccepted(throughSquashfs, stacks, scratch, async (layers, index) => {
    const archive = join(scratch, `${index}.tar`);
    const image = await flattenImage(layers, scratch);
    await writeFile(archive, image.archive);
    return { archive, ...(await planMksquashfs(image)) };
  });
}

/** Makes something of each stack and unpacks that, unless the program refuses the stack. */
async function unpackAccepted<Source extends {}>(
  unpack: Unpacker<Source>,
  stacks: readonly (readonly Buffer[])[],
  scratch: string,
  make: (layers: readonly Buffer[], index: number) => Promise<Source>,
): ReturnType<Unpack> {
  const made: (Source | Error)[] = [];
  for (const [index, layers] of stacks.entries()) {
    made.push(await make(layers, index).catch((error: Error) => error));
  }
  const accepted = made.filter((one): one is Source => !(one instanceof Error));
  const trees = await treesOf(unpack, accepted, join(scratch, "ours"));
  let next = 0;
  return made.map((one) => (one instanceof Error ? one : trees[next++]!));
}

async function layoutOf(layers: readonly Buffer[], directory: string): Promise<string> {
  const layout = join(directory, "layout");
  await writeLayout(
    layout,
    layers.map((one) => ({ tar: one, compression: "none" })),
  );
  return layout;
}

type Outcome = "compared" | "refused by both" | "refused by umoci alone";

async function compareMany(
  numRuns: number,
  unpack: Unpack,
  t: { diagnostic(text: string): void },
): Promise<void> {
  const stacks = fc.sample(randomStack, { seed, numRuns });
  const counts = { compared: 0, "refused by both": 0, "refused by umoci alone": 0 };
  for (let start = 0; start < numRuns; start += batchSize) {
    const batch = stacks.slice(start, start + batchSize);
    for (const [index, outcome] of (await compare(batch, unpack)).entries()) {
      if (outcome instanceof Error) await reportSmallest(start + index, unpack, outcome);
      else counts[outcome] += 1;
    }
  }
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`);
  assert.ok(counts.compared > numRuns / 3, "too few stacks could be compared");
}

/** Fails with the smallest stack that differs in a similar way. */
async function reportSmallest(index: number, unpack: Unpack, difference: Error): Promise<never> {
  const property = fc.asyncProperty(randomStack, async (stack) => {
    const [outcome] = await compare([stack], unpack);
    if (outcome instanceof Error) throw outcome;
  });
  await fc.assert(property, { seed, path: String(index) });
  throw difference;
}

async function compare(
  stacks: readonly RandomStack[],
  unpack: Unpack,
): Promise<(Outcome | Error)[]> {
  return withDirectory(async (scratch) => {
    const tars = stacks.map(({ layers }) => [baseLayer, ...layers].map(tar));
    const ours = await unpack(tars, scratch);
    const layouts: string[] = [];
    for (const [index, layers] of tars.entries()) {
      const own = join(scratch, `reference-${index}`);
      await mkdir(own);
      layouts.push(await layoutOf(layers, own));
    }
    const theirs = await unpackedTrees(umoci, layouts, join(scratch, "umoci"));
    return stacks.map((stack, index) => {
      try {
        return outcomeOf(stack, ours[index]!, theirs[index]!);
      } catch (error) {
        return error as Error;
      }
    });
  });
}

/** umoci refuses links to later or hidden files, and children of files; the named cases cover these. */
function outcomeOf(
  stack: RandomStack,
  ours: TreeListing | Error,
  theirs: TreeListing | Error,
): Outcome {
  if (ours instanceof Error) {
    assert.ok(ours instanceof NetbootError && ours.code === "LAYER_DAMAGED", String(ours));
    assert.ok(theirs instanceof Error, `umoci accepts what is refused here: ${ours.message}`);
    return "refused by both";
  }
  if (theirs instanceof Error) return "refused by umoci alone";
  assertSameTree(comparable(ours, stack), comparable(theirs, stack));
  return "compared";
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
