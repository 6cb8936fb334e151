import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import { listTree, type Tree, type TreeRecord } from "../support/tree-listing.js";
import { flattenedTree } from "./support/flattened-tree.js";
import { growTree, growUstarTree } from "./support/grown-tree.js";
import {
  extractedTree,
  umociTree,
  unpackWithGnuTar,
  withDirectory,
} from "./support/unpacked-trees.js";

const run = promisify(execFile);

/** Archives of one real tree, as GNU tar writes it in each of its dialects. */
interface Dialect {
  /** What the archive is to hold, as a sentence's end. */
  readonly name: string;
  readonly options: readonly string[];
  /** v7 and ustar can say less, so they get a tree that asks less of them. */
  readonly grow?: (directory: string) => Promise<void>;
  /** Whether extended attributes are in the archive. */
  readonly hasXattrs?: boolean;
  /** Why umoci cannot be asked as well. */
  readonly umociFails?: string;
}

const xattrs = ["--xattrs", "--xattrs-include=*"];
const dialects: readonly Dialect[] = [
  { name: "the gnu format", options: ["--format=gnu"] },
  { name: "the oldgnu format", options: ["--format=oldgnu"] },
  { name: "the pax format", options: ["--format=posix"] },
  {
    name: "the pax format with extended attributes",
    options: ["--format=posix", ...xattrs],
    hasXattrs: true,
  },
  {
    name: "the pax format without times of access and change, as reproducible builds make it",
    options: ["--format=posix", "--pax-option=delete=atime,delete=ctime", "--sort=name"],
  },
  {
    name: "the pax format with a global header",
    options: ["--format=posix", "--pax-option=globexthdr.name=g,comment=hello"],
    umociFails: "it takes the header for an entry of an unknown type",
  },
  {
    name: "the pax format with an owner and a time for all in the global header",
    options: ["--format=posix", "--pax-option=uid=4000000000,gid=77,mtime=1500000000.5"],
    umociFails: "it takes the header for an entry of an unknown type",
  },
  { name: "the ustar format", options: ["--format=ustar"], grow: growUstarTree },
  { name: "the v7 format", options: ["--format=v7"], grow: growUstarTree },
  {
    name: "the gnu format with sparse files",
    options: ["--format=gnu", "--sparse"],
    umociFails: "it knows no entries of type S",
  },
  ...["0.0", "0.1", "1.0"].map((version) => ({
    name: `the pax format with sparse files of version ${version}`,
    options: ["--format=posix", "--sparse", `--sparse-version=${version}`, ...xattrs],
    hasXattrs: true,
  })),
  {
    name: "the pax format, hard links written out as files",
    options: ["--format=posix", "--hard-dereference"],
  },
  {
    name: "the gnu format with a volume label",
    options: ["--format=gnu", "--label=a volume"],
    umociFails: "it knows no entries of type V",
  },
  {
    name: "the pax format with a volume label",
    options: ["--format=posix", "--label=a volume"],
    umociFails: "the label is in a global header",
  },
  {
    name: "the gnu format with dump directories",
    options: ["--format=gnu", "--incremental"],
    umociFails: "it knows no entries of type D",
  },
  {
    name: "the gnu format with absolute names",
    options: ["--format=gnu", "--transform=s,^[.]/,/,", "--absolute-names"],
  },
  { name: "the gnu format in records of one block", options: ["--format=gnu", "-b", "1"] },
  { name: "the gnu format in records of 1 MiB", options: ["--format=gnu", "-b", "2048"] },
];

describe("archives made by GNU tar", { concurrency: 2 }, () => {
  for (const dialect of dialects) {
    it(`are unpacked as GNU tar unpacks them: ${dialect.name}`, () => check(dialect));
  }
});

/** The program against GNU tar itself, and against umoci where it can be asked. */
async function check({ options, grow, hasXattrs, umociFails }: Dialect): Promise<void> {
  await withDirectory(async (scratch) => {
    const source = join(scratch, "source");
    await mkdir(source);
    await (grow ?? growTree)(source);
    const archive = join(scratch, "source.tar");
    await run("tar", ["-c", "-f", archive, "-C", source, "--numeric-owner", ...options, "."]);

    const base = join(scratch, "base.tar");
    await writeFile(base, tar(baseLayer));
    const layers = [{ tar: tar(baseLayer) }, { tar: await readFile(archive) }];
    const reference = await unpackedByTar([base, archive], scratch);
    assert.ok(Object.keys(reference).length > 20, "the tree is not worth a test");

    const layout = join(scratch, "layout");
    await writeLayout(layout, layers);
    const { tree } = await extractedTree(layout, scratch);
    assertSameTree(comparable(tree), comparable(reference));
    if (hasXattrs === true) assert.ok(tree["xattrs/f"]?.xattrs?.["security.capability"]);

    const flattened = await flattenedTree(layers, await subdirectory(scratch, "flattened"));
    assertSameTree(comparable(flattened), comparable(reference));

    if (umociFails === undefined) {
      const theirs = await umociTree(layout, await subdirectory(scratch, "umoci"));
      assertSameTree(comparable(tree), comparable(theirs));
    }
  });
}

async function subdirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
}

/** GNU tar's own way back, as root: everything is restored. */
async function unpackedByTar(archives: readonly string[], scratch: string): Promise<Tree> {
  const root = await subdirectory(scratch, "gnu-tar-root");
  for (const archive of archives) await unpackWithGnuTar(archive, root);
  return listTree(root);
}

/** Squashfs has no times before 1970; the root directory is a matter of its own. */
function comparable(tree: Tree): Tree {
  const { ".": _, ...rest } = tree;
  return Object.fromEntries(
    Object.entries(rest).map(([path, record]): [string, TreeRecord] => [
      path,
      { ...record, mtime: Math.max(record.mtime, 0) },
    ]),
  );
}
