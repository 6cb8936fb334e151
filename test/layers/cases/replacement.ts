import { layerCreated } from "../../support/image-layout.js";
import {
  directory,
  entry,
  file,
  type MergeCase,
  symlink as symlinkRecord,
} from "../support/merge-case.js";

const { hardlink, symlink } = entry;

export const replacementCases: readonly MergeCase[] = [
  {
    name: "a directory over a directory replaces its attributes and keeps its children",
    layers: [
      [
        { name: "d/", type: "directory", mode: 0o1777, uid: 3, gid: 4, xattrs: { "user.a": "1" } },
        entry.file("d/x"),
      ],
      [
        {
          name: "d/",
          type: "directory",
          mode: 0o750,
          uid: 8,
          gid: 9,
          mtime: 1_500_000_000,
          xattrs: { "user.b": "2" },
        },
      ],
    ],
  },
  {
    name: "a file over a file replaces contents, owner, time and extended attributes",
    layers: [
      [{ name: "f", content: "old", mode: 0o4755, uid: 1, xattrs: { "user.a": "1" } }],
      [{ name: "f", content: "new", mode: 0o600, gid: 1, mtime: 1_500_000_000 }],
    ],
  },
  {
    name: "a file over a directory removes the directory with all its children",
    layers: [
      [entry.directory("d"), entry.directory("d/e"), entry.file("d/e/f")],
      [entry.file("d", "now a file")],
    ],
  },
  {
    name: "a directory that replaces a file is empty",
    layers: [[entry.file("f")], [entry.directory("f/")]],
  },
  {
    name: "a symlink over a directory removes the directory with all its children",
    layers: [[entry.directory("d"), entry.file("d/x"), entry.directory("e")], [symlink("d", "e")]],
  },
  {
    name: "a directory that replaces a symlink to a directory is a directory of its own",
    layers: [
      [entry.directory("usr"), entry.directory("usr/lib"), entry.file("usr/lib/a")],
      [symlink("lib", "usr/lib")],
      [entry.directory("lib/"), entry.file("lib/b")],
    ],
  },
  {
    name: "a file that replaces a symlink does not change its target",
    layers: [[entry.file("t"), symlink("s", "t")], [entry.file("s", "new")]],
  },
  {
    name: "a symlink replaces a file, a device, a fifo and another symlink",
    layers: [
      [
        entry.file("a"),
        { name: "b", type: "character-device", device: [1, 5] },
        { name: "c", type: "fifo" },
        symlink("d", "a"),
      ],
      [symlink("a", "1"), symlink("b", "2"), symlink("c", "3"), symlink("d", "4")],
    ],
  },
  {
    name: "devices and fifos replace files and directories, and files replace them",
    layers: [
      [
        entry.file("a"),
        entry.directory("b"),
        entry.file("b/x"),
        { name: "c", type: "block-device", device: [8, 1] },
        { name: "d", type: "fifo" },
      ],
      [
        { name: "a", type: "fifo", mode: 0o622 },
        { name: "b", type: "character-device", device: [5, 1], mode: 0o620, gid: 5 },
        entry.file("c"),
        entry.directory("d"),
      ],
    ],
  },
  {
    name: "a file that a directory replaces still hides its path in the layers further down",
    layers: [
      [entry.directory("d"), entry.file("d/x")],
      [entry.file("d", "a file")],
      [entry.directory("d"), entry.file("d/y")],
    ],
  },
  {
    name: "a symlink that a directory replaces still hides its path in the layers further down",
    layers: [
      [entry.directory("d"), entry.file("d/x")],
      [symlink("d", "etc")],
      [entry.directory("d")],
    ],
  },
  {
    name: "the last of two files with the same name in one layer wins",
    layers: [
      [
        { name: "f", content: "first", mode: 0o755, uid: 1, xattrs: { "user.a": "1" } },
        { name: "g", content: "between" },
        { name: "f", content: "the last one" },
      ],
    ],
  },
  {
    name: "the last of two entries for a directory in one layer sets the attributes",
    layers: [
      [
        { name: "d/", type: "directory", mode: 0o700, uid: 1, xattrs: { "user.a": "1" } },
        entry.file("d/x"),
        { name: "d", type: "directory", mode: 0o711, gid: 2, mtime: 1_400_000_000 },
      ],
    ],
  },
  {
    name: "a file replaces a directory with children that precedes it in the same layer",
    layers: [[entry.directory("d"), entry.file("d/x"), entry.file("d", "a file")]],
  },
  {
    name: "a directory replaces a file that precedes it in the same layer",
    layers: [[entry.file("d"), entry.directory("d"), entry.file("d/x")]],
  },
  {
    name: "a directory replaces a symlink that precedes it in the same layer, and not the symlink's target",
    layers: [
      [
        entry.directory("t"),
        symlink("d", "t"),
        entry.file("d/x"),
        entry.directory("d"),
        entry.file("d/y"),
      ],
    ],
  },
  {
    name: "different spellings of the same path are duplicates",
    layers: [
      [
        entry.directory("d"),
        { name: "d/f", content: "1" },
        { name: "./d/f", content: "2" },
        { name: "/d//f", content: "3" },
        { name: "d/../d/f", content: "4" },
      ],
    ],
  },
  {
    name: "a file that gets a child in a higher layer becomes a directory",
    layers: [[{ name: "f", content: "x", mode: 0o600, uid: 7 }], [entry.file("f/x")]],
    // umoci fails: mkdir f: not a directory.
    expected: { f: directory({ mtime: layerCreated(2) }), "f/x": file("contents of f/x") },
  },
  {
    name: "a file that gets a grandchild in its own layer becomes a directory",
    layers: [[entry.file("f"), entry.file("f/d/x")]],
    // umoci fails: mkdir f: not a directory.
    expected: {
      f: directory({ mtime: layerCreated(1) }),
      "f/d": directory({ mtime: layerCreated(1) }),
      "f/d/x": file("contents of f/d/x"),
    },
  },
  {
    name: "a device that gets a child becomes a directory",
    layers: [[{ name: "n", type: "character-device", device: [1, 3] }], [entry.file("n/x")]],
    expected: { n: directory({ mtime: layerCreated(2) }), "n/x": file("contents of n/x") },
  },
  {
    name: "a symlink to a file that gets a child stays, and the file becomes a directory",
    layers: [[entry.file("f"), symlink("s", "f")], [entry.file("s/x")]],
    // umoci fails: mkdir f: not a directory.
    expected: {
      s: symlinkRecord("f"),
      f: directory({ mtime: layerCreated(2) }),
      "f/x": file("contents of s/x"),
    },
  },
  {
    name: "replacing one name of a hard-linked file does not change its other names",
    layers: [
      [entry.file("a", "shared"), hardlink("b", "a"), hardlink("c", "a")],
      [entry.file("b", "its own")],
    ],
  },
  {
    name: "a duplicate of a file does not change a hard link that precedes it",
    layers: [[entry.file("a", "first"), hardlink("b", "a"), entry.file("a", "second")]],
  },
  {
    name: "a tree that a file replaces and upper layers recreate contains only what they add",
    layers: [
      [entry.directory("a"), entry.directory("a/b"), entry.file("a/b/c", "1")],
      [entry.file("a", "2")],
      [entry.directory("a"), entry.directory("a/b")],
      [entry.file("a/b/c", "4"), entry.file("a/b/d", "4")],
    ],
  },
  {
    name: "an entry that would replace the root is refused",
    layers: [[entry.file("./", "no directory")]],
    refusal: /Layer 2 of 2 .*root/,
  },
];
