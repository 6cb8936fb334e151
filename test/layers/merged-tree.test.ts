import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NetbootError } from "../../src/index.js";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { type TestLayer, writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import type { TreeListing, TreeRecord } from "../support/tree-listing.js";
import { attributeCases } from "./cases/attributes.js";
import { contentCases } from "./cases/contents.js";
import { hardLinkCases } from "./cases/hard-links.js";
import { nameCases } from "./cases/names.js";
import { replacementCases } from "./cases/replacement.js";
import { symlinkedParentCases } from "./cases/symlinked-parents.js";
import { whiteoutCases } from "./cases/whiteouts.js";
import { writtenEarlyCases } from "./cases/written-early.js";
import type { LayerOfCase, MergeCase } from "./support/merge-case.js";
import {
  extractedTree,
  hasRootTime,
  umociTree,
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

describe("the merged tree", { concurrency: 2 }, () => {
  for (const [topic, cases] of Object.entries(topics)) {
    describe(topic, { concurrency: 2 }, () => {
      for (const one of cases) it(one.name, () => check(one));
    });
  }
});

async function check(one: MergeCase): Promise<void> {
  await withDirectory(async (directory) => {
    const layout = join(directory, "layout");
    await writeLayout(layout, layersOf(one));
    if (one.refusal !== undefined) {
      const { refusal, refusalCode = "LAYER_DAMAGED" } = one;
      await assert.rejects(extractedTree(layout, directory), (error) => {
        assert.ok(error instanceof NetbootError, String(error));
        assert.equal(error.code, refusalCode);
        assert.match(error.message, refusal);
        return true;
      });
      return;
    }
    const { tree, messages } = await extractedTree(layout, directory);
    const expected = await expectedTree(one, directory);
    assertSameTree(tree, (await hasRootTime()) ? expected : withoutRootTime(expected));
    if (one.startsOver !== undefined) {
      const startedOver = messages.some((text) => text.startsWith("Starting the squashfs over"));
      assert.equal(startedOver, one.startsOver, "whether the squashfs was started over");
    }
  });
}

async function expectedTree(one: MergeCase, scratch: string): Promise<TreeListing> {
  if (one.expected === undefined) {
    // umoci supports neither zstd nor layers with wrong digests, so it gets the plain archives.
    const layers = layersOf(one).map((layer) => ({ tar: layer.tar }));
    return withCorrections(
      await umociTree(await layoutOf(layers, scratch), scratch),
      one.umociErrsAt,
    );
  }
  const base = await layoutOf([{ tar: tar(baseLayer) }], scratch);
  return { ...(await umociTree(base, scratch)), ...one.expected };
}

async function layoutOf(layers: readonly TestLayer[], scratch: string): Promise<string> {
  const layout = join(scratch, "reference");
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

function layersOf({ layers, hasBase = true }: MergeCase): TestLayer[] {
  const own = layers.map((layer: LayerOfCase) => ("tar" in layer ? layer : { tar: tar(layer) }));
  return hasBase ? [{ tar: tar(baseLayer) }, ...own] : own;
}
