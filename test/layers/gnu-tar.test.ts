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
import { listTree, type TreeListing, type TreeRecord } from "../support/tree-listing.js";
import { flattenedTree } from "./support/flattened-tree.js";
import { growTree, growUstarTree } from "./support/grown-tree.js";
import {
  extractedTree,
  umociTree,
  unpackWithGnuTar,
  withDirectory,
} from "./support/unpacked-trees.js";

const run = promisify(execFile);

/** A way in which GNU tar writes a real tree. */
interface Dialect {
  readonly name: string;
  readonly options: readonly string[];
  /** v7 and ustar can store less, so they get a simpler tree. */
  readonly grow?: (directory: string) => Promise<void>;
  /** Whether the archive contains extended attributes. */
  readonly hasXattrs?: boolean;
  /** Why the result cannot be compared with umoci, too. */
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
    name: "the pax format without access and change times, as reproducible builds write it",
    options: ["--format=posix", "--pax-option=delete=atime,delete=ctime", "--sort=name"],
  },
  {
    name: "the pax format with a global header",
    options: ["--format=posix", "--pax-option=globexthdr.name=g,comment=hello"],
    umociFails: "it treats the header as an entry of an unknown type",
  },
  {
    name: "the pax format with an owner and a time in the global header",
    options: ["--format=posix", "--pax-option=uid=4000000000,gid=77,mtime=1500000000.5"],
    umociFails: "it treats the header as an entry of an unknown type",
  },
  { name: "the ustar format", options: ["--format=ustar"], grow: growUstarTree },
  { name: "the v7 format", options: ["--format=v7"], grow: growUstarTree },
  {
    name: "the gnu format with sparse files",
    options: ["--format=gnu", "--sparse"],
    umociFails: "it does not support entries of type S",
  },
  ...["0.0", "0.1", "1.0"].map((version) => ({
    name: `the pax format with sparse files of version ${version}`,
    options: ["--format=posix", "--sparse", `--sparse-version=${version}`, ...xattrs],
    hasXattrs: true,
  })),
  {
    name: "the pax format with hard links written as files",
    options: ["--format=posix", "--hard-dereference"],
  },
  {
    name: "the gnu format with a volume label",
    options: ["--format=gnu", "--label=a volume"],
    umociFails: "it does not support entries of type V",
  },
  {
    name: "the pax format with a volume label",
    options: ["--format=posix", "--label=a volume"],
    umociFails: "it treats the global header with the label as an entry of an unknown type",
  },
  {
    name: "the gnu format with dump directories",
    options: ["--format=gnu", "--incremental"],
    umociFails: "it does not support entries of type D",
  },
  {
    name: "the gnu format with absolute names",
    options: ["--format=gnu", "--transform=s,^[.]/,/,", "--absolute-names"],
  },
  { name: "the gnu format with records of one block", options: ["--format=gnu", "-b", "1"] },
  { name: "the gnu format with records of 1 MiB", options: ["--format=gnu", "-b", "2048"] },
];

describe("an archive that GNU tar makes", { concurrency: 2 }, () => {
  for (const dialect of dialects) {
    it(`is unpacked as GNU tar unpacks it: ${dialect.name}`, () => check(dialect));
  }
});

/** Compares the program with GNU tar itself, and with umoci if umoci supports the archive. */
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
    const reference = await unpackedByGnuTar([base, archive], scratch);
    assert.ok(Object.keys(reference).length > 20, "the tree is too small for a test");

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

/** The tree that GNU tar itself unpacks. */
async function unpackedByGnuTar(
  archives: readonly string[],
  scratch: string,
): Promise<TreeListing> {
  const root = await subdirectory(scratch, "gnu-tar-root");
  for (const archive of archives) await unpackWithGnuTar(archive, root);
  return listTree(root);
}

/** Without what differs for good reason: times before 1970, and the root directory. */
function comparable(tree: TreeListing): TreeListing {
  const { ".": _, ...rest } = tree;
  return Object.fromEntries(
    Object.entries(rest).map(([path, record]): [string, TreeRecord] => [
      path,
      { ...record, mtime: Math.max(record.mtime, 0) },
    ]),
  );
}
