import { layerCreated } from "../../support/image-layout.js";
import type { ArchivePart } from "../../support/tar-builder.js";
import { directory, entry, file, type MergeCase } from "../support/merge-case.js";

const { symlink } = entry;
const component = "n".repeat(200);
const deep = `deep/${component}/${component}`;

/** A file and entries for all of its parents, because umoci gives others the time of unpacking. */
function withParents(directory: string, file: string): ArchivePart[] {
  const parts = directory.split("/").slice(0, -1);
  const parents = parts.map((_, index) => entry.directory(parts.slice(0, index + 1).join("/")));
  return [...parents, entry.file(`${directory}${file}`)];
}

export const nameCases: readonly MergeCase[] = [
  {
    name: "names with ./, a leading or trailing slash, or doubled slashes are the same path",
    layers: [
      [
        { name: "./a/", type: "directory" },
        { name: "/a//b", type: "directory" },
        { name: ".//a/./b/./c", content: "1" },
        { name: "a/b/c", content: "2" },
        { name: "//e", content: "3" },
      ],
    ],
  },
  {
    name: "dots that lead out of the root stop there",
    layers: [
      [
        { name: "../a", content: "1" },
        { name: "b/../../c", content: "2" },
        { name: "/../../../d/", type: "directory" },
        { name: "d/../../d/e", content: "3" },
      ],
    ],
  },
  {
    name: "names that are not UTF-8 are kept byte for byte",
    layers: [
      [
        { name: Buffer.from("d\xff\xfe/", "latin1"), type: "directory" },
        { name: Buffer.from("d\xff\xfe/\xc3\x28", "latin1"), content: "a" },
        {
          name: Buffer.from("\x80", "latin1"),
          type: "symlink",
          link: Buffer.from("\xe9\x01", "latin1"),
        },
        {
          name: Buffer.from("l\xe9", "latin1"),
          type: "hardlink",
          link: Buffer.from("d\xff\xfe/\xc3\x28", "latin1"),
        },
      ],
      [{ name: Buffer.from("d\xff\xfe/.wh.\xff", "latin1") }],
    ],
  },
  {
    name: "a whiteout of a name that is not UTF-8 hides only that name",
    layers: [
      [
        { name: Buffer.from("\xff", "latin1"), content: "a" },
        { name: Buffer.from("\xfe", "latin1"), content: "b" },
      ],
      [{ name: Buffer.from(".wh.\xff", "latin1") }],
    ],
  },
  {
    name: "long names that are not UTF-8 are kept in pax and GNU headers",
    layers: [
      [
        { name: Buffer.from("p\xff".repeat(60), "latin1"), content: "pax" },
        { name: Buffer.from("g\xff".repeat(60), "latin1"), content: "gnu", dialect: "gnu" },
        {
          name: "link",
          type: "symlink",
          link: Buffer.from("t\xff".repeat(60), "latin1"),
        },
        {
          name: "link-gnu",
          type: "symlink",
          link: Buffer.from("t\xff".repeat(60), "latin1"),
          dialect: "gnu",
        },
      ],
    ],
  },
  {
    name: "composed and decomposed umlauts are different names",
    layers: [[entry.file("\u00e4"), entry.file("a\u0308"), entry.file("日本語"), entry.file("🐧")]],
  },
  {
    name: "names with newlines, spaces, quotes, backslashes and wildcards are kept",
    layers: [
      [
        entry.file("line\nend"),
        entry.file("trailing "),
        entry.file(" leading"),
        entry.file("tab\there"),
        entry.file("quote\"quote'"),
        entry.file("back\\slash\\012"),
        entry.file("*"),
        entry.file("[a-z]?"),
        entry.file("-dash"),
        entry.file("#hash"),
        entry.file("control\x01\x1b[31m\x7f"),
        entry.file("..."),
        entry.file("..a"),
        entry.file("a.."),
        symlink("link\n", "target\nwith line ends\n"),
        entry.directory("dir\n"),
        entry.file("dir\n/file\n"),
      ],
    ],
  },
  {
    name: "names of 99, 100 and 101 bytes are kept in every dialect",
    layers: [
      (["pax", "gnu"] as const).flatMap((dialect) =>
        [99, 100, 101].flatMap((length) => [
          { name: `${dialect}${"f".repeat(length - 3)}`, content: "x", dialect },
          {
            name: `${dialect}${"d".repeat(length - 4)}/`,
            type: "directory",
            dialect,
          },
        ]),
      ),
    ],
  },
  {
    name: "a name of 255 bytes is kept",
    layers: [
      [
        { name: "p".repeat(255), content: "pax" },
        { name: "g".repeat(255), content: "gnu", dialect: "gnu" },
      ],
    ],
  },
  {
    name: "a path of more than 255 bytes is kept in pax and GNU headers",
    layers: [
      [
        entry.directory("deep"),
        { name: `deep/${component}/`, type: "directory" },
        { name: `${deep}/`, type: "directory", dialect: "gnu" },
        { name: `${deep}/${component}`, content: "pax" },
        { name: `${deep}/g${component}`, content: "gnu", dialect: "gnu" },
        { name: `${deep}/link`, type: "hardlink", link: `${deep}/${component}` },
      ],
    ],
  },
  {
    name: "a path of more than 1000 bytes is kept",
    layers: [
      [
        ...Array.from({ length: 9 }, (_, depth) =>
          entry.directory(`${Array.from({ length: depth + 1 }, () => "d".repeat(120)).join("/")}/`),
        ),
        entry.file(`${Array.from({ length: 9 }, () => "d".repeat(120)).join("/")}/end`),
      ],
    ],
  },
  {
    name: "names that ustar splits into prefix and name are joined, up to 255 bytes",
    layers: [
      [
        entry.directory("u"),
        { name: `u/${"p".repeat(90)}/`, type: "directory" },
        { name: `u/${"p".repeat(90)}/${"n".repeat(100)}`, content: "x", dialect: "ustar" },
        { name: `${"q".repeat(155)}/`, type: "directory" },
        { name: `${"q".repeat(155)}/${"n".repeat(100)}`, content: "x", dialect: "ustar" },
      ],
    ],
  },
  {
    name: "symlink targets of 99 to 101 bytes that start with / or ../ are kept",
    layers: [
      (["pax", "gnu"] as const).flatMap((dialect) =>
        [99, 100, 101, 250].flatMap((length) => [
          {
            name: `${dialect}-absolute-${length}`,
            type: "symlink",
            link: `/${"t".repeat(length - 1)}`,
            dialect,
          },
          {
            name: `${dialect}-relative-${length}`,
            type: "symlink",
            link: `../../${"t".repeat(length - 6)}`,
            dialect,
          },
        ]),
      ),
    ],
  },
  {
    name: "short symlink targets are kept as written",
    layers: [
      [
        symlink("absolute", "/etc/passwd"),
        symlink("up", "../../etc//passwd"),
        symlink("dot", "."),
        symlink("dotted", "./././x/"),
        symlink("root", "/"),
        symlink("proc", "/proc/self/fd/0"),
        symlink("blank", " "),
      ],
    ],
  },
  {
    name: "a symlink target of 4000 bytes is kept",
    layers: [
      [symlink("s", "x/".repeat(2000)), { ...symlink("g", "x/".repeat(2000)), dialect: "gnu" }],
    ],
  },
  {
    name: "in v7 archives, a file whose name ends with a slash is a directory",
    layers: [
      [
        { name: "v7/", type: "directory", dialect: "v7", mode: 0o750 },
        { name: "v7/file", content: "x", dialect: "v7" },
        { name: "v7/link", type: "symlink", link: "file", dialect: "v7" },
        { name: "v7/hard", type: "hardlink", link: "v7/file", dialect: "v7" },
      ],
    ],
  },
  {
    name: "a pax path overrides a GNU long name, which overrides the header",
    layers: [
      [
        {
          name: "x".repeat(120),
          dialect: "gnu",
          content: "from pax",
          pax: [["path", "from-pax"]],
        },
      ],
    ],
    // umoci uses the GNU name. GNU tar uses the pax path, because in POSIX extensions win.
    umociErrsAt: { ["x".repeat(120)]: null, "from-pax": file("from pax") },
  },
  {
    name: "a layer with only an entry for the root changes nothing but the root",
    layers: [[{ name: ".", type: "directory", mtime: 1_500_000_000 }]],
  },
  {
    name: "parents without entries are created once, with the time of the layer that implies them",
    layers: [[entry.file("a/b/c")], [entry.file("a/b/d"), entry.file("a/e/f")]],
    umociErrsAt: {
      a: { mtime: layerCreated(1) },
      "a/b": { mtime: layerCreated(1) },
      "a/e": { mtime: layerCreated(2) },
    },
  },
  {
    name: "paths of hundreds of directories, or of thousands of bytes, are kept",
    layers: [
      withParents("kaniko/0/".repeat(130), "end"),
      [...withParents(`${"n".repeat(255)}/`.repeat(15), "end"), entry.file("l/x")],
      [entry.hardlink("near", `${"kaniko/0/".repeat(130)}end`)],
      [entry.whiteout(`${"kaniko/0/".repeat(120)}kaniko`), entry.whiteout("l")],
    ],
  },
  {
    name: "a path of six hundred directories without entries is kept",
    layers: [[entry.file(`${"d/".repeat(600)}end`)]],
    // umoci takes long, because it looks up each path from the root.
    expected: {
      ...Object.fromEntries(
        Array.from({ length: 600 }, (_, index) => [
          "d/".repeat(index + 1).slice(0, -1),
          directory({ mtime: layerCreated(1) }),
        ]),
      ),
      [`${"d/".repeat(600)}end`]: file(`contents of ${"d/".repeat(600)}end`),
    },
  },
  {
    name: "a symlink that leads to a path of more than 4,095 bytes is refused",
    layers: [
      [entry.directory("d/".repeat(1_100)), entry.symlink("l", "d/".repeat(1_100))],
      [entry.file(`l/${"d/".repeat(1_100)}f`)],
    ],
    refusal: /Layer 3 of 3 .*path l\/d\/.* leads to a path of more than 4095 bytes/,
  },
  {
    name: "a name of 256 bytes, which no file system supports, is refused",
    layers: [[{ name: "n".repeat(256), content: "x" }]],
    refusal: /Layer 2 of 2 .*too long/,
  },
  {
    name: "a name of twenty thousand parts is refused",
    layers: [[{ name: "x", content: "x", pax: [["path", `${"a/".repeat(20_000)}f`]] }]],
    refusal: /Layer 2 of 2 .*too long/,
  },
  {
    name: "a NUL byte in a pax path is refused",
    layers: [[{ name: "x", pax: [["path", "a\0b"]] }]],
    refusal: /Layer 2 of 2 .*NUL/,
  },
];
