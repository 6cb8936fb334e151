import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Directory } from "../../src/layers/index.js";
import { Tree } from "../../src/layers/tree/tree.js";
import { FormatError, type TarEntry } from "../../src/tar/index.js";
import { type ArchivePart, type TarItem, tar } from "../support/tar-builder.js";
import { readArchive } from "../tar/support/read-archive.js";
import { wildStack } from "./support/random-layers.js";

const seed = Number(process.env.LAYERS_SEED ?? 20_240_101);

describe(`a tree of upper layers that is certain, seed ${seed}`, () => {
  for (const [kind, prepare] of [
    ["of any kind", (parts: readonly ArchivePart[]) => parts],
    ["that name all parents, as builders write them", withParents],
  ] as const) {
    it(`is part of the tree of the whole image, for random stacks ${kind}`, (t) => {
      let certain = 0;
      const property = fc.property(wildStack, ({ layers }) => {
        const indexes = layers.map((parts) => entriesOf(prepare(parts)));
        const whole = merged(indexes, 0);
        if (whole === undefined) return;
        for (let bottom = 1; bottom < indexes.length; bottom += 1) {
          const upper = merged(indexes, bottom);
          if (upper === undefined || !upper.isCertain) continue;
          certain += 1;
          assertWithin(upper.root, whole.root, "");
        }
      });
      fc.assert(property, { seed, numRuns: 3000 });
      t.diagnostic(`${certain} trees were certain`);
      assert.ok(certain > 100, `only ${certain} trees were certain`);
    });
  }

  const base = [{ name: "real/", type: "directory" }] as const;
  const link = { name: "alias", type: "symlink", link: "real" } as const;
  const file = [
    { name: "real/", type: "directory" },
    { name: "real/x", content: "1" },
  ] as const;
  const uncertain: [name: string, layers: readonly (readonly TarItem[])[]][] = [
    ["a file whose directory has no entry", [[...base, link], [{ name: "alias/x" }]]],
    [
      "a whiteout whose directory has no entry",
      [[...base, link], [...file], [{ name: "alias/.wh.x" }]],
    ],
    [
      "an opaque whiteout whose directory has no entry",
      [[...base, link], [...file], [{ name: "alias/.wh..wh..opq" }]],
    ],
    [
      "a hard link to a file of a lower layer",
      [[...file], [{ name: "y", type: "hardlink", link: "real/x" }]],
    ],
    [
      "a directory whose entry follows its child",
      [
        [...base, link],
        [{ name: "alias/x" }, { name: "alias/", type: "directory" }],
      ],
    ],
  ];
  for (const [name, layers] of uncertain) {
    it(`never contains ${name}`, () => {
      const upper = merged(layers.map(entriesOf), 1);
      assert.ok(upper === undefined || !upper.isCertain);
    });
  }
});

/** Merges the layers from this number on; undefined if they are contradictory. */
function merged(indexes: readonly (readonly TarEntry[])[], bottom: number): Tree | undefined {
  const tree = new Tree(bottom);
  try {
    for (const entries of indexes.slice(bottom)) tree.apply({ entries, impliedMtime: 0 });
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  return tree;
}

function assertWithin(upper: Directory, whole: Directory, path: string): void {
  for (const [name, { node }] of upper.children) {
    const place = `${path}/${name}`;
    const other = whole.children.get(name)?.node;
    assert.equal(other?.kind, node.kind, place);
    if (node instanceof Directory) assertWithin(node, other as Directory, place);
    else if (other?.kind === "inode") assert.deepEqual(other, node, place);
  }
}

function entriesOf(parts: readonly ArchivePart[]): TarEntry[] {
  return readArchive([tar(parts)]).entries.map(({ entry }) => entry);
}

/** Adds an entry for each directory before its children, as builders do. */
function withParents(parts: readonly ArchivePart[]): ArchivePart[] {
  const named = new Set<string>();
  return parts.flatMap((part) => {
    const names = String((part as TarItem).name)
      .split("/")
      .filter(Boolean);
    const parents = names.slice(0, -1).map((_, index) => `${names.slice(0, index + 1).join("/")}/`);
    const missing = parents.filter((name) => !named.has(name));
    for (const name of missing) named.add(name);
    return [...missing.map((name): TarItem => ({ name, type: "directory" })), part];
  });
}
