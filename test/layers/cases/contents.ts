import { compressions } from "../../support/layer-compression.js";
import {
  expandedContent,
  type SparseFile,
  type SparseFormat,
  sparseFile,
  sparseFormats,
} from "../../support/sparse-file.js";
import { tar } from "../../support/tar-builder.js";
import { bulk, entry, file, type MergeCase } from "../support/merge-case.js";

const bytes = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (index * seed) % 251));

const sparse = {
  name: "sparse",
  size: 300_000,
  regions: [
    [0, bytes(512, 3)],
    [5_000, bytes(1_000, 5)],
    [100_000, bytes(4_096, 7)],
  ],
} as const;

const manyRegions = {
  name: "sparse",
  size: 120_000,
  regions: Array.from(
    { length: 60 },
    (_, index) => [index * 2_000 + 100, bytes(1 + index * 11, 13)] as const,
  ),
};

const oneHole = { name: "sparse", size: 100_000, regions: [[100_000, Buffer.alloc(0)]] } as const;

/** umoci supports only the pax formats, so the expected tree for GNU's own format is written out. */
function sparseCase(name: string, format: SparseFormat, content: SparseFile): MergeCase {
  const layers = [[sparseFile(format, content), entry.file("after")]];
  if (format !== "gnu") return { name, layers };
  const expected = { sparse: file(expandedContent(content)), after: file("contents of after") };
  return { name, layers, expected };
}

export const contentCases: readonly MergeCase[] = [
  {
    name: "empty files and empty directories are kept",
    layers: [[entry.file("f", ""), entry.directory("d"), entry.directory("d/e")]],
  },
  {
    name: "files of about the size of a block are complete",
    layers: [
      [0, 1, 511, 512, 513, 1023, 1024, 1025].map((size) => ({
        name: `f${size}`,
        content: bytes(size, 17),
      })),
    ],
  },
  {
    name: "files larger than any buffer are complete",
    layers: [[bulk("large", 3_000_001), bulk("larger", 5_242_880), entry.file("small")]],
  },
  {
    name: "a layer without entries changes nothing",
    layers: [[entry.file("a")], [], [entry.file("b")]],
  },
  {
    name: "a layer of no bytes at all changes nothing",
    layers: [[entry.file("a")], { tar: Buffer.alloc(0), compression: "none" }],
    // Not compared with umoci: not every Go reader accepts such a layer as an archive.
    expected: { a: file("contents of a") },
  },
  {
    name: "a layer that is padded with zeros to 10 KiB or more is complete",
    layers: [{ tar: Buffer.concat([tar([entry.file("a")]), Buffer.alloc(20 * 512 + 100)]) }],
  },
  {
    name: "a layer without the two blocks of zeros at its end is complete",
    layers: [{ tar: tar([entry.file("a"), entry.directory("d")]).subarray(0, -1024) }],
  },
  {
    name: "an image with one layer is that layer",
    hasBase: false,
    layers: [
      [
        { name: "./", type: "directory", mode: 0o700 },
        entry.directory("boot"),
        entry.file("boot/vmlinuz"),
        entry.file("boot/initrd"),
        entry.directory("etc"),
        { name: "etc/kairos-release", content: 'KAIROS_ARTIFACT="kairos-1"\n' },
      ],
    ],
  },
  {
    name: "an image with forty layers contains all of them",
    layers: Array.from({ length: 40 }, (_, index) => [
      entry.file(`f${index}`),
      entry.file("same", `from ${index}`),
      ...(index > 0 && index % 3 === 0 ? [entry.whiteout(`f${index - 1}`)] : []),
    ]),
  },
  {
    name: "a layer that occurs twice is applied twice",
    layers: [
      [entry.file("a", "1")],
      [entry.file("a", "2"), entry.whiteout("b")],
      [entry.file("a", "1")],
    ],
  },
  {
    name: "layers with every kind of compression are read",
    layers: compressions.map((compression) => ({
      tar: tar([entry.file(compression), entry.file("same", compression)]),
      compression,
    })),
  },
  ...sparseFormats.flatMap((format) => [
    sparseCase(`a sparse file of format ${format} has its holes filled with zeros`, format, sparse),
    sparseCase(
      `a sparse file of format ${format} with sixty regions is complete`,
      format,
      manyRegions,
    ),
    sparseCase(
      `a sparse file of format ${format} that is a single hole consists of zeros`,
      format,
      oneHole,
    ),
  ]),
  {
    name: "the entries that eStargz adds are dropped",
    layers: [
      [
        { name: ".prefetch.landmark", content: Buffer.from([0xf]) },
        entry.directory("d"),
        entry.file("d/f"),
        entry.file("d/stargz.index.json"),
        entry.file("d/.prefetch.landmark"),
        { name: "./.no.prefetch.landmark", content: Buffer.from([0xf]) },
        { name: "stargz.index.json", content: '{"version":1,"entries":[]}' },
      ],
    ],
    umociErrsAt: {
      ".prefetch.landmark": null,
      ".no.prefetch.landmark": null,
      "stargz.index.json": null,
    },
    startsOver: false,
  },
  {
    name: "a contiguous file is a file",
    layers: [[{ name: "f", type: "7", content: "contiguous" }, entry.file("after")]],
    // umoci fails: unknown type.
    expected: { f: file("contiguous"), after: file("contents of after") },
  },
  {
    name: "a directory whose header has a size has no contents",
    layers: [[{ name: "d", type: "directory", size: 512 }, entry.file("after")]],
  },
  {
    name: "an unknown type is refused",
    layers: [[{ name: "the-entry", type: "?" }]],
    refusal: /Layer 2 of 2 .*the-entry/,
  },
  {
    name: "the two blocks of zeros that end the archive end the layer, whatever follows",
    layers: [
      {
        tar: Buffer.concat([tar([entry.file("a")]), tar([entry.file("b"), entry.file("a", "2")])]),
      },
      { tar: Buffer.concat([tar([entry.file("c")]), Buffer.from("junk")]), compression: "none" },
      { tar: Buffer.concat([tar([]), Buffer.alloc(9_000), tar([entry.file("d")])]) },
    ],
    warnings: [/^Layer 4 of 4 /, /^Layer 3 of 4 /, /^Layer 2 of 4 .*after the end of its archive/],
  },
  {
    name: "data after a single block of zeros are refused",
    layers: [
      { tar: Buffer.concat([tar([entry.file("a")]).subarray(0, -512), tar([entry.file("b")])]) },
    ],
    refusal: /Layer 2 of 2 .*single block of zeros/,
  },
];
