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
    name: "a hard link keeps the contents when an upper layer hides its target",
    layers: [[entry.file("t")], [hardlink("l", "t")], [whiteout("t")]],
  },
  {
    name: "a hard link keeps the contents when an upper layer replaces its target",
    layers: [[entry.file("t")], [hardlink("l", "t")], [entry.file("t", "another")]],
  },
  {
    name: "a hard link keeps the contents when its own layer replaces the target later",
    layers: [[entry.file("t", "lower")], [hardlink("l", "t"), entry.file("t", "upper")]],
  },
  {
    name: "a hard link takes the new contents when its own layer replaced the target before",
    layers: [[entry.file("t", "lower")], [entry.file("t", "upper"), hardlink("l", "t")]],
  },
  {
    name: "a hard link and then a whiteout of its target leave the link with the contents",
    layers: [[entry.file("t")], [hardlink("l", "t"), whiteout("t")]],
  },
  {
    name: "a whiteout and then a hard link to what it hides leave the link with the contents",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t")]],
    // umoci fails: the target is gone.
    expected: { l: file("contents of t") },
  },
  {
    name: "a whiteout of a directory and then a hard link into it leave the link with the contents",
    layers: [
      [entry.directory("d"), entry.file("d/t")],
      [whiteout("d"), hardlink("l", "d/t")],
    ],
    // umoci fails: the target is gone.
    expected: { l: file("contents of d/t") },
  },
  {
    name: "an opaque whiteout and then a hard link to what it hides leave the link",
    layers: [
      [entry.directory("d"), entry.file("d/t")],
      [opaque("d"), hardlink("d/l", "d/t")],
    ],
    // umoci fails: the target is gone.
    expected: { d: directory(), "d/l": file("contents of d/t") },
  },
  {
    name: "two links to what a whiteout hides share its inode",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t"), hardlink("m", "t")]],
    expected: {
      l: file("contents of t", { names: ["l", "m"] }),
      m: file("contents of t", { names: ["l", "m"] }),
    },
  },
  {
    name: "a link to a link to what a whiteout hides shares its inode, in whatever order",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("m", "l"), hardlink("l", "t")]],
    expected: {
      l: file("contents of t", { names: ["l", "m"] }),
      m: file("contents of t", { names: ["l", "m"] }),
    },
  },
  {
    name: "a whiteout, a link to what it hides and the name made again: the link has the new file",
    layers: [[entry.file("t")], [whiteout("t"), hardlink("l", "t"), entry.file("t", "new")]],
    // The link's target is there, only later; nothing hidden is needed.
    expected: {
      l: file("new", { names: ["l", "t"] }),
      t: file("new", { names: ["l", "t"] }),
    },
  },
  {
    name: "a hard link before its target finds it",
    layers: [[hardlink("l", "d/t"), entry.directory("d"), entry.file("d/t")]],
    // umoci fails: no such file.
    expected: {
      d: directory(),
      "d/t": file("contents of d/t", { names: ["d/t", "l"] }),
      l: file("contents of d/t", { names: ["d/t", "l"] }),
    },
  },
  {
    name: "a chain of hard links, each before its target, shares one inode",
    layers: [[hardlink("a", "b"), hardlink("b", "c"), hardlink("c", "d"), entry.file("d")]],
    expected: Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [
        name,
        file("contents of d", { names: ["a", "b", "c", "d"] }),
      ]),
    ),
  },
  {
    name: "a long chain of hard links in no order at all shares one inode",
    layers: [[...shuffledChain(200), entry.file("l000", "the end")]],
    expected: Object.fromEntries(
      chainNames(200).map((name) => [name, file("the end", { names: chainNames(200) })]),
    ),
  },
  {
    name: "a hard link before its target gives way to a later entry of its own name",
    layers: [[hardlink("l", "t"), entry.file("l", "its own"), entry.file("t")]],
    expected: { l: file("its own"), t: file("contents of t") },
  },
  {
    name: "a hard link before its target gives way to a later directory of its own name",
    layers: [[hardlink("l", "t"), entry.file("l/x"), entry.file("t")]],
    expected: {
      l: directory({ mtime: layerCreated(1) }),
      "l/x": file("contents of l/x"),
      t: file("contents of t"),
    },
  },
  {
    name: "a hard link before its target replaces what a lower layer has under its name",
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
    name: "a link to a link that still waits for its target does not take the lower file instead",
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
    name: "a hard link to itself under another spelling changes nothing",
    layers: [[entry.file("d/t")], [hardlink("./d//t", "/d/t")]],
    expected: { d: directory({ mtime: layerCreated(1) }), "d/t": file("contents of d/t") },
  },
  {
    name: "a link that an upper layer states again outlives an opaque whiteout before it",
    layers: [
      [entry.directory("d"), entry.file("d/t"), hardlink("l", "d/t"), hardlink("d/l", "d/t")],
      [opaque("d"), hardlink("d/l", "l")],
    ],
  },
  {
    name: "a link that an upper layer states again outlives an opaque whiteout after it",
    layers: [
      [entry.directory("d"), entry.file("d/t"), hardlink("l", "d/t"), hardlink("d/l", "d/t")],
      [hardlink("d/l", "l"), opaque("d")],
    ],
  },
  {
    name: "a link that an upper layer states again outlives its own whiteout",
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
    name: "a hard link to a target below a symlinked directory finds it",
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
    name: "the target of a hard link may be spelled with dots and slashes",
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
    name: "a hard link whose header claims a size has no contents of its own",
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
    name: "a hard link to a name of more than 100 bytes finds it",
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
    name: "a hard link whose target is nowhere is refused, and both are named",
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

/** Each name but the first links to the one before; the order is a fixed jumble. */
function shuffledChain(count: number) {
  const names = chainNames(count);
  return names
    .map((name, index) => ({ name, link: names[index - 1], rank: (index * 7919) % 1009 }))
    .slice(1)
    .sort((a, b) => a.rank - b.rank)
    .map(({ name, link }) => hardlink(name, link!));
}
