import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import pLimit from "p-limit";
import { NetbootError } from "../../src/support/index.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { type TestLayer, writeLayout } from "../support/image-layout.js";
import { type ArchivePart, tar } from "../support/tar-builder.js";
import type { TreeListing, TreeRecord } from "../support/tree-listing.js";
import { attributeCases } from "./cases/attributes.js";
import { contentCases } from "./cases/contents.js";
import { hardLinkCases } from "./cases/hard-links.js";
import { nameCases } from "./cases/names.js";
import { replacementCases } from "./cases/replacement.js";
import { symlinkedParentCases } from "./cases/symlinked-parents.js";
import { whiteoutCases } from "./cases/whiteouts.js";
import { writtenEarlyCases } from "./cases/written-early.js";
import { extractedSquashfs } from "./support/extracted-squashfs.js";
import { flattenImage, planMksquashfs } from "./support/flattened-image.js";
import type { LayerOfCase, MergeCase } from "./support/merge-case.js";
import {
  hasRootTime,
  throughSquashfs,
  treesOf,
  umoci,
  unsquashfs,
  withDirectory,
  withoutRootTime,
} from "./support/unpacked-trees.js";

const topics: Readonly<Record<string, readonly MergeCase[]>> = {
  whiteouts: whiteoutCases,
  replacement: replacementCases,
  "hard links": hardLinkCases,
  "symlinked parents": symlinkedParentCases,
  names: nameCases,
  attributes: attributeCases,
  contents: contentCases,
  "files written while layers are read": writtenEarlyCases,
};

describe("the merged tree", () => {
  let outcomes: ReadonlyMap<MergeCase, Outcome>;
  before(async () => {
    outcomes = await withDirectory((scratch) => outcomesOf(Object.values(topics).flat(), scratch));
  });
  for (const [topic, cases] of Object.entries(topics)) {
    describe(topic, () => {
      for (const one of cases) it(one.name, () => check(one, outcomes.get(one)!));
    });
  }
});

interface Outcome {
  readonly ours: Result | Error;
  /** Undefined if the image has to be refused. */
  readonly expected: TreeListing | undefined;
}

interface Result {
  readonly tree: TreeListing;
  readonly hasStartedOver: boolean;
}

function check(one: MergeCase, { ours, expected }: Outcome): void {
  if (one.refusal !== undefined) {
    const { refusal, refusalCode = "LAYER_DAMAGED" } = one;
    assert.ok(ours instanceof NetbootError, String(ours));
    assert.equal(ours.code, refusalCode);
    assert.match(ours.message, refusal);
    return;
  }
  if (ours instanceof Error) throw ours;
  assertSameTree(ours.tree, expected!);
  if (one.startsOver !== undefined) {
    assert.equal(ours.hasStartedOver, one.startsOver, "whether the squashfs was started over");
  }
}

/** All images together, because starting programs one by one takes longer than they run. */
async function outcomesOf(
  cases: readonly MergeCase[],
  scratch: string,
): Promise<ReadonlyMap<MergeCase, Outcome>> {
  const [ours, expected] = [
    await squashfsTrees(cases, scratch),
    await expectedTrees(cases, scratch),
  ];
  const comparable = hasRootTime() ? (tree: TreeListing) => tree : withoutRootTime;
  return new Map(
    cases.map((one) => {
      const result = ours.get(one)!;
      const tree = expected.get(one);
      return [
        one,
        {
          ours: result instanceof Error ? result : { ...result, tree: comparable(result.tree) },
          expected: tree && comparable(tree),
        },
      ];
    }),
  );
}

/** unsquashfs unpacks what mksquashfs makes of each image. */
async function squashfsTrees(
  cases: readonly MergeCase[],
  scratch: string,
): Promise<ReadonlyMap<MergeCase, Result | Error>> {
  const limit = pLimit(2);
  const made = await limit.map(cases, async (one, index) => {
    const own = join(scratch, String(index));
    await mkdir(own);
    const make = needsExtract(one) ? extracted : flattened;
    return make(layersOf(one), own).catch((error: Error) => error);
  });
  const accepted = made.filter((one): one is MadeImage => !(one instanceof Error));
  const commands = accepted.map(({ command }) => command);
  const trees = await treesOf((command, root) => command(root), commands, join(scratch, "ours"));
  const treeOf = new Map(accepted.map((one, index) => [one, trees[index]!]));
  return new Map(
    made.map((one, index) => [
      cases[index]!,
      one instanceof Error ? one : { ...one, tree: treeOf.get(one)! },
    ]),
  );
}

/** The image, as a shell command that unpacks it. */
interface MadeImage {
  readonly command: (root: string) => string;
  readonly hasStartedOver: boolean;
}

/** Most cases are about nothing but the tree, and need not start programs for each image. */
function needsExtract({ layers, hasBase, startsOver }: MergeCase): boolean {
  return startsOver === true || hasBase === false || layers.some((layer) => "tar" in layer);
}

async function extracted(layers: readonly TestLayer[], scratch: string): Promise<MadeImage> {
  const layout = await layoutOf(layers, scratch);
  const { path, hasStartedOver } = await extractedSquashfs(layout, scratch);
  return { command: (root) => unsquashfs(path, root), hasStartedOver };
}

async function flattened(layers: readonly TestLayer[], scratch: string): Promise<MadeImage> {
  const tars = layers.map((layer) => layer.tar);
  const image = await flattenImage(tars, scratch);
  const archive = join(scratch, "flattened.tar");
  await writeFile(archive, image.archive);
  const source = { archive, ...(await planMksquashfs(image)) };
  return {
    command: (root) => throughSquashfs(source, root),
    hasStartedOver: !image.matchesEarlyOutput,
  };
}

/** What umoci unpacks, with the corrections of the cases; if it cannot, what the cases say. */
async function expectedTrees(
  cases: readonly MergeCase[],
  scratch: string,
): Promise<ReadonlyMap<MergeCase, TreeListing>> {
  const accepted = cases.filter(({ refusal }) => refusal === undefined);
  const forUmoci = accepted.filter(({ expected }) => expected === undefined);
  const layouts = await Promise.all(
    [{ layers: [] }, ...forUmoci].map((image, index) => {
      // umoci supports neither zstd nor layers with wrong digests, so it gets the plain archives.
      const layers = layersOf(image).map(({ tar }): TestLayer => ({ tar, compression: "none" }));
      return layoutOf(layers, join(scratch, `reference-${index}`));
    }),
  );
  const [base, ...trees] = await treesOf(umoci, layouts, join(scratch, "umoci"));
  return new Map(
    accepted.map((one) => {
      const tree = trees[forUmoci.indexOf(one)];
      return [one, tree ? withCorrections(tree, one.umociErrsAt) : { ...base, ...one.expected }];
    }),
  );
}

async function layoutOf(layers: readonly TestLayer[], scratch: string): Promise<string> {
  const layout = join(scratch, "layout");
  await writeLayout(layout, layers);
  return layout;
}

function withCorrections(tree: TreeListing, changes: MergeCase["umociErrsAt"] = {}): TreeListing {
  const result: Record<string, TreeRecord> = { ...tree };
  for (const [path, change] of Object.entries(changes)) {
    if (change === null) delete result[path];
    else result[path] = { ...result[path], ...change } as TreeRecord;
  }
  return result;
}

function layersOf({ layers, hasBase = true }: Pick<MergeCase, "layers" | "hasBase">): TestLayer[] {
  const own = layers.map((layer: LayerOfCase) => ("tar" in layer ? layer : plain(layer)));
  return hasBase ? [plain(baseLayer), ...own] : own;
}

function plain(parts: readonly ArchivePart[]): TestLayer {
  return { tar: tar(parts), compression: "none" };
}
