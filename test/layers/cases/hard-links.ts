import { layerCreated } from "../../support/image-layout.js";
import { directory, entry, file, type MergeCase } from "../support/merge-case.js";

const { hardlink, opaque, symlink, whiteout } = entry;

export const hardLinkCases: readonly MergeCase[] = [
  {
    name: "hard links in one layer share an inode",
    layers: [
      [
        entry.directory("d"),
        { name: "d/a", content: "shared", mode: 0o640, uid: 1, gid: 2 },
        { name: "b", type: "hardlink", link: "d/a", mode: 0o640, uid: 1, gid: 2 },
        { name: "c", type: "hardlink", link: "b", mode: 0o640, uid: 1, gid: 2 },
      ],
    ],
  },
  {
    name: "a hard link to a file of a lower layer shares its inode",
    layers: [[entry.file("a")], [entry.file("other")], [hardlink("b", "a")]],
  },
  {
    name: "hard links to one file from several layers share its inode",
    layers: [[entry.file("a")], [hardlink("b", "a")], [hardlink("c", "b"), hardlink("d", "a")]],
  },
  {
    name: "a hard link to a symlink is the symlink, not what it points to",
    layers: [[entry.file("t"), symlink("s", "t"), hardlink("l", "s")]],
  },
  {
    name: "hard links to a dangling symlink share its inode",
    layers: [[symlink("s", "nowhere")], [hardlink("l", "s")]],
  },
  {
    name: "hard links to devices and fifos share their inodes",
    layers: [
      [
        { name: "null", type: "character-device", device: [1, 3], mode: 0o666 },
        { name: "loop", type: "block-device", device: [7, 1], mode: 0o660 },
        { name: "pipe", type: "fifo", mode: 0o600 },
        { name: "null2", type: "hardlink", link: "null", mode: 0o666 },
        { name: "loop2", type: "hardlink", link: "loop", mode: 0o660 },
        { name: "pipe2", type: "hardlink", link: "pipe", mode: 0o600 },
      ],
    ],
  },
  {
    name: "hard links to an empty file share its inode",
    layers: [[entry.file("a", ""), hardlink("b", "a"), entry.file("c", "")]],
  },
  {
    name: "a hard link keeps the contents if an upper layer hides its target",
    layers: [[entry.file("t")], [hardlink("l", "t")], [whiteout("t")]],
  },
  {
    name: "a hard link keeps the contents if an upper layer replaces its target",
    layers: [[entry.file("t")], [hardlink("l", "t")], [entry.file("t", "another")]],
  },
  {
    name: "a hard link keeps the contents if its own layer replaces the target later",
    layers: [[entry.file("t", "lower")], [hardlink("l", "t"), entry.file("t", "upper")]],
  },
  {
    name: "a hard link has the new contents if its own layer replaced the target before",
    layers: [[entry.file("t", "lower")], [entry.file("t", "upper"), hardlink("l", "t")]],
  },
  {
    name: "a hard link keeps the contents if its layer hides the target later",
    layers: [[entry.file("t")], [hardlink("l", "t"), whiteout("t")]],
  },
  {
    name: "a hard link to a file that its layer hides before it has the hidden contents",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t")]],
    // umoci fails: the target is gone.
    expected: { l: file("contents of t") },
  },
  {
    name: "a hard link into a directory that its layer hides before it has the hidden contents",
    layers: [
      [entry.directory("d"), entry.file("d/t")],
      [whiteout("d"), hardlink("l", "d/t")],
    ],
    // umoci fails: the target is gone.
    expected: { l: file("contents of d/t") },
  },
  {
    name: "a hard link to a file that an opaque whiteout hides has the hidden contents",
    layers: [
      [entry.directory("d"), entry.file("d/t")],
      [opaque("d"), hardlink("d/l", "d/t")],
    ],
    // umoci fails: the target is gone.
    expected: { d: directory(), "d/l": file("contents of d/t") },
  },
  {
    name: "two hard links to a hidden file share its inode",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t"), hardlink("m", "t")]],
    expected: {
      l: file("contents of t", { names: ["l", "m"] }),
      m: file("contents of t", { names: ["l", "m"] }),
    },
  },
  {
    name: "a hard link to a hard link to a hidden file shares its inode in any order",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("m", "l"), hardlink("l", "t")]],
    expected: {
      l: file("contents of t", { names: ["l", "m"] }),
      m: file("contents of t", { names: ["l", "m"] }),
    },
  },
  {
    name: "a hard link to a name that its layer hides and recreates refers to the new file",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t"), entry.file("t", "new")]],
    // The target exists, only later, so the hidden file is not needed.
    expected: {
      l: file("new", { names: ["l", "t"] }),
      t: file("new", { names: ["l", "t"] }),
    },
  },
  {
    name: "a hard link may precede its target",
    layers: [[hardlink("l", "d/t"), entry.directory("d"), entry.file("d/t")]],
    // umoci fails: no such file.
    expected: {
      d: directory(),
      "d/t": file("contents of d/t", { names: ["d/t", "l"] }),
      l: file("contents of d/t", { names: ["d/t", "l"] }),
    },
  },
  {
    name: "a chain of hard links that each precede their target shares one inode",
    layers: [[hardlink("a", "b"), hardlink("b", "c"), hardlink("c", "d"), entry.file("d")]],
    expected: Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [
        name,
        file("contents of d", { names: ["a", "b", "c", "d"] }),
      ]),
    ),
  },
  {
    name: "a long chain of hard links in random order shares one inode",
    layers: [[...shuffledChain(200), entry.file("l000", "the end")]],
    expected: Object.fromEntries(
      chainNames(200).map((name) => [name, file("the end", { names: chainNames(200) })]),
    ),
  },
  {
    name: "a later entry replaces a hard link that precedes its target",
    layers: [[hardlink("l", "t"), entry.file("l", "its own"), entry.file("t")]],
    expected: { l: file("its own"), t: file("contents of t") },
  },
  {
    name: "a later directory replaces a hard link that precedes its target",
    layers: [[hardlink("l", "t"), entry.file("l/x"), entry.file("t")]],
    expected: {
      l: directory({ mtime: layerCreated(1) }),
      "l/x": file("contents of l/x"),
      t: file("contents of t"),
    },
  },
  {
    name: "a hard link that precedes its target replaces the lower layer's entry of the same name",
    layers: [
      [entry.directory("l"), entry.file("l/x")],
      [hardlink("l", "t"), entry.file("t")],
    ],
    expected: {
      l: file("contents of t", { names: ["l", "t"] }),
      t: file("contents of t", { names: ["l", "t"] }),
    },
  },
  {
    name: "a hard link to a link whose target comes later does not refer to the lower file instead",
    layers: [
      [entry.file("l", "lower")],
      [hardlink("l", "t"), hardlink("m", "l"), entry.file("t", "upper")],
    ],
    expected: Object.fromEntries(
      ["l", "m", "t"].map((name) => [name, file("upper", { names: ["l", "m", "t"] })]),
    ),
  },
  {
    name: "a hard link to itself changes nothing",
    layers: [[entry.file("t")], [hardlink("t", "t")]],
    // umoci removes the file, then fails.
    expected: { t: file("contents of t") },
  },
  {
    name: "a hard link to itself in another spelling changes nothing",
    layers: [[entry.file("d/t")], [hardlink("./d//t", "/d/t")]],
    expected: { d: directory({ mtime: layerCreated(1) }), "d/t": file("contents of d/t") },
  },
  {
    name: "a hard link that an upper layer repeats survives an opaque whiteout before it",
    layers: [
      [entry.directory("d"), entry.file("d/t"), hardlink("l", "d/t"), hardlink("d/l", "d/t")],
      [opaque("d"), hardlink("d/l", "l")],
    ],
  },
  {
    name: "a hard link that an upper layer repeats survives an opaque whiteout after it",
    layers: [
      [entry.directory("d"), entry.file("d/t"), hardlink("l", "d/t"), hardlink("d/l", "d/t")],
      [hardlink("d/l", "l"), opaque("d")],
    ],
  },
  {
    name: "a hard link that an upper layer repeats survives its own whiteout",
    layers: [
      [entry.file("t"), hardlink("l", "t")],
      [hardlink("l", "t"), whiteout("l")],
    ],
  },
  {
    name: "a hard link over a file and over a directory replaces them",
    layers: [
      [entry.file("t"), entry.file("a"), entry.directory("b"), entry.file("b/x")],
      [hardlink("a", "t"), hardlink("b", "t")],
    ],
  },
  {
    name: "a hard link may name its target through a symlinked directory",
    layers: [
      [
        entry.directory("usr"),
        entry.directory("usr/lib"),
        entry.file("usr/lib/t"),
        symlink("lib", "usr/lib"),
      ],
      [hardlink("l", "lib/t"), hardlink("lib/m", "usr/lib/t")],
    ],
  },
  {
    name: "the target of a hard link may contain dots and extra slashes",
    layers: [
      [
        entry.directory("d"),
        entry.file("d/t"),
        hardlink("a", "./d/t"),
        hardlink("b", "/d/t"),
        hardlink("c", "d//t"),
        hardlink("e", "../d/./t"),
      ],
    ],
  },
  {
    name: "a hard link whose header has a size has no contents of its own",
    layers: [
      [
        entry.file("t", "five!"),
        { name: "l", type: "hardlink", link: "t", size: 5 },
        entry.file("after"),
      ],
    ],
  },
  {
    name: "a hard link shares the extended attributes of its target",
    layers: [
      [
        { name: "t", content: "x", xattrs: { "user.a": "1", "security.capability": capability() } },
        {
          name: "l",
          type: "hardlink",
          link: "t",
          xattrs: { "user.a": "1", "security.capability": capability() },
        },
      ],
    ],
  },
  {
    name: "the target of a hard link may have more than 100 bytes",
    layers: [
      [
        entry.directory("d"),
        { name: `d/${"t".repeat(150)}`, content: "far" },
        { name: "pax", type: "hardlink", link: `d/${"t".repeat(150)}` },
        { name: "gnu", type: "hardlink", link: `d/${"t".repeat(150)}`, dialect: "gnu" },
      ],
    ],
  },
  {
    name: "a hard link without a target is refused, and the error names both",
    layers: [[hardlink("the-link", "the-target")]],
    refusal: /Layer 2 of 2 .*the-link.*the-target/,
  },
  {
    name: "hard links in a circle are refused",
    layers: [[hardlink("a", "b"), hardlink("b", "a")]],
    refusal: /Layer 2 of 2 .*does not exist/,
  },
  {
    name: "a hard link to a directory is refused",
    layers: [[entry.directory("d"), hardlink("l", "d")]],
    refusal: /Layer 2 of 2 .*directory/,
  },
];

/** CAP_NET_RAW=ep, as setcap writes it. */
function capability(): Buffer {
  return Buffer.from("0100000200200000000000000000000000000000", "hex");
}

function chainNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `l${String(index).padStart(3, "0")}`);
}

/** Each name except the first links to the previous one; the order is random but fixed. */
function shuffledChain(count: number) {
  const names = chainNames(count);
  return names
    .map((name, index) => ({ name, link: names[index - 1], rank: (index * 7919) % 1009 }))
    .slice(1)
    .sort((a, b) => a.rank - b.rank)
    .map(({ name, link = "" }) => hardlink(name, link));
}
