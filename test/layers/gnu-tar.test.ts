import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { assertSameTree } from "../support/assert-same-tree.js";
import { baseLayer } from "../support/base-layer.js";
import { writeLayout } from "../support/image-layout.js";
import { tar } from "../support/tar-builder.js";
import type { TreeListing, TreeRecord } from "../support/tree-listing.js";
import { flattenImage, planMksquashfs } from "./support/flattened-image.js";
import { growTree, growUstarTree } from "./support/grown-tree.js";
import {
  gnuTar,
  type SquashfsSource,
  throughSquashfs,
  treesOf,
  umoci,
  withDirectory,
} from "./support/unpacked-trees.js";

const run = promisify(execFile);

type Grow = (directory: string) => Promise<void>;

/** A way in which GNU tar writes a real tree. */
interface Dialect {
  readonly name: string;
  readonly options: readonly string[];
  /** v7 and ustar can store less, so they get a simpler tree. */
  readonly grow?: Grow;
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

describe("an archive that GNU tar makes", () => {
  let trees: ReadonlyMap<Dialect, UnpackedTrees>;
  before(async () => {
    trees = await withDirectory(unpackDialects);
  });
  for (const dialect of dialects) {
    it(`is unpacked as GNU tar unpacks it: ${dialect.name}`, () => {
      check(dialect, trees.get(dialect)!);
    });
  }
});

/** The trees of an image with the base layer and the archive. */
interface UnpackedTrees {
  readonly reference: TreeListing;
  /** Unpacked by unsquashfs. */
  readonly squashfs: TreeListing;
  /** Undefined if umoci does not support the archive. */
  readonly umoci: TreeListing | undefined;
}

/** Compares the program with GNU tar itself, and with umoci if umoci supports the archive. */
function check({ hasXattrs }: Dialect, trees: UnpackedTrees): void {
  const { reference, squashfs } = trees;
  assert.ok(Object.keys(reference).length > 20, "the tree is too small for a test");
  assertSameTree(comparable(squashfs), comparable(reference));
  if (hasXattrs === true) assert.ok(squashfs["xattrs/f"]?.xattrs?.["security.capability"]);
  if (trees.umoci !== undefined) assertSameTree(comparable(squashfs), comparable(trees.umoci));
}

/** All archives together, because starting programs one by one takes longer than they run. */
async function unpackDialects(scratch: string): Promise<ReadonlyMap<Dialect, UnpackedTrees>> {
  const images: GnuTarImage[] = [];
  for (const [index, dialect] of dialects.entries()) {
    images.push(await makeImage(dialect, await subdirectory(scratch, String(index)), scratch));
  }
  const base = join(scratch, "base.tar");
  await writeFile(base, tar(baseLayer));
  const archives = images.map(({ archive }) => archive);
  const [baseTree, ...references] = await treesOf(gnuTar, [base, ...archives], join(scratch, "r"));
  const flattened = images.map((image) => image.flattened);
  const squashfs = await treesOf(throughSquashfs, flattened, join(scratch, "s"));
  const forUmoci = images.filter(({ dialect }) => dialect.umociFails === undefined);
  const layouts = forUmoci.map(({ layout }) => layout);
  const unpackedByUmoci = await treesOf(umoci, layouts, join(scratch, "u"));
  return new Map(
    images.map((image, index) => [
      image.dialect,
      {
        reference: { ...baseTree, ...references[index]! },
        squashfs: squashfs[index]!,
        umoci: unpackedByUmoci[forUmoci.indexOf(image)],
      },
    ]),
  );
}

/** An image with the base layer and an archive. */
interface GnuTarImage {
  readonly dialect: Dialect;
  readonly archive: string;
  readonly layout: string;
  readonly flattened: SquashfsSource;
}

async function makeImage(dialect: Dialect, own: string, scratch: string): Promise<GnuTarImage> {
  const source = await grownTree(dialect.grow ?? growTree, scratch);
  const archive = join(own, "source.tar");
  await run("tar", ["-c", "-f", archive, "-C", source, "--numeric-owner", ...dialect.options, "."]);
  const layers = [tar(baseLayer), await readFile(archive)];
  const layout = join(own, "layout");
  await writeLayout(
    layout,
    layers.map((layer) => ({ tar: layer, compression: "none" })),
  );
  const image = await flattenImage(layers, own);
  const flattened = join(own, "flattened.tar");
  await writeFile(flattened, image.archive);
  const command = await planMksquashfs(image);
  return { dialect, archive, layout, flattened: { archive: flattened, ...command } };
}

/** Creates each tree once. */
async function grownTree(grow: Grow, scratch: string): Promise<string> {
  const path = join(scratch, grow.name);
  if (!existsSync(path)) {
    await mkdir(path);
    await grow(path);
  }
  return path;
}

async function subdirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
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
