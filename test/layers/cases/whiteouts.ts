import { layerCreated } from "../../support/image-layout.js";
import { directory, entry, file, type MergeCase } from "../support/merge-case.js";

const { opaque, whiteout, symlink, hardlink } = entry;
const lowerDirectory = [
  { name: "d/", type: "directory", mode: 0o700, uid: 5, gid: 6 },
  { name: "d/sub/", type: "directory", mode: 0o710, uid: 7 },
  entry.file("d/sub/old"),
  entry.file("d/x"),
];

export const whiteoutCases: readonly MergeCase[] = [
  {
    name: "a whiteout hides a file of a lower layer and nothing else",
    layers: [[...lowerDirectory, entry.file("d/xx")], [whiteout("d/x")]],
  },
  {
    name: "a whiteout hides a directory with everything below it",
    layers: [lowerDirectory, [whiteout("d")]],
  },
  {
    name: "a whiteout hides files two layers below",
    layers: [lowerDirectory, [entry.file("other")], [whiteout("d/x"), whiteout("d/sub")]],
  },
  {
    name: "a whiteout of a name that does not exist changes nothing and creates no directory",
    layers: [lowerDirectory, [whiteout("nothing"), whiteout("no/such/thing"), opaque("nowhere")]],
  },
  {
    name: "a whiteout in the bottom layer changes nothing",
    hasBase: false,
    layers: [
      [
        { name: "./", type: "directory" },
        entry.directory("boot"),
        whiteout("boot/vmlinuz"),
        entry.file("boot/vmlinuz"),
        entry.file("boot/initrd"),
        whiteout("boot/initrd"),
        opaque("boot"),
        entry.directory("etc"),
        { name: "etc/kairos-release", content: 'KAIROS_ARTIFACT="kairos-x"\n' },
      ],
    ],
  },
  {
    name: "a file survives a whiteout that precedes it in the same layer",
    layers: [lowerDirectory, [whiteout("d/x"), entry.file("d/x", "new")]],
  },
  {
    name: "a file survives a whiteout that follows it in the same layer",
    layers: [lowerDirectory, [entry.file("d/x", "new"), whiteout("d/x")]],
  },
  {
    name: "a directory that a layer hides and then recreates has only the new children",
    layers: [lowerDirectory, [whiteout("d"), entry.directory("d"), entry.file("d/new")]],
  },
  {
    name: "a directory that a layer recreates before its whiteout has only the new children",
    layers: [lowerDirectory, [entry.directory("d"), entry.file("d/new"), whiteout("d")]],
    // In umoci, a late whiteout changes the times of the directories that it empties.
    umociErrsAt: { d: directory() },
  },
  {
    name: "a directory that a layer hides and then implies loses its old attributes",
    layers: [lowerDirectory, [whiteout("d"), entry.file("d/new")]],
    // umoci gives implied directories the time of unpacking.
    umociErrsAt: { d: { mtime: layerCreated(2) } },
  },
  {
    name: "a directory that a layer implies before its whiteout loses its old attributes",
    layers: [lowerDirectory, [entry.file("d/new"), whiteout("d")]],
    // umoci keeps the lower directory's attributes if the whiteout comes late.
    umociErrsAt: { d: directory({ mtime: layerCreated(2) }) },
  },
  {
    name: "a whiteout keeps new children of a nested subdirectory",
    layers: [
      lowerDirectory,
      [entry.directory("d"), entry.directory("d/sub"), entry.file("d/sub/new"), whiteout("d")],
    ],
    // In umoci, a late whiteout changes the times of the directories that it empties.
    umociErrsAt: { d: directory(), "d/sub": directory() },
  },
  {
    name: "an opaque whiteout hides the lower children and none that follow it in its own layer",
    layers: [lowerDirectory, [entry.directory("d"), opaque("d"), entry.file("d/new")]],
  },
  {
    name: "an opaque whiteout hides the lower children and none that precede it in its own layer",
    layers: [
      lowerDirectory,
      [
        entry.directory("d"),
        entry.file("d/new"),
        entry.file("d/x", "new as well"),
        entry.directory("d/sub"),
        entry.file("d/sub/new"),
        opaque("d"),
      ],
    ],
    // In umoci, a late whiteout changes the times of the directories that it empties.
    umociErrsAt: { "d/sub": directory() },
  },
  {
    name: "an opaque whiteout keeps the attributes of a directory without an entry in its layer",
    layers: [lowerDirectory, [opaque("d")]],
  },
  {
    name: "a subdirectory that is implied in an opaque directory loses its old attributes",
    layers: [lowerDirectory, [entry.file("d/sub/new"), opaque("d")]],
    // umoci keeps the lower directory's attributes if the whiteout comes late.
    umociErrsAt: { "d/sub": directory({ mtime: layerCreated(2) }) },
  },
  {
    name: "an opaque whiteout of a directory that only its own layer contains changes nothing",
    layers: [[entry.directory("d"), entry.file("d/a"), opaque("d"), entry.file("d/b")]],
  },
  {
    name: "an opaque whiteout of the root leaves only its own layer",
    layers: [
      lowerDirectory,
      [
        { name: ".wh..wh..opq" },
        entry.directory("boot"),
        entry.file("boot/vmlinuz", "the other kernel"),
        entry.file("boot/initrd", "the other initrd"),
        entry.directory("etc"),
        { name: "etc/kairos-release", content: 'KAIROS_ARTIFACT="kairos-y"\n' },
      ],
    ],
  },
  {
    name: "a directory that a middle layer hides and an upper one recreates has only the upper layer's children",
    layers: [
      lowerDirectory,
      [whiteout("d")],
      [entry.directory("d"), entry.file("d/x", "reborn"), symlink("d/sub", "x")],
    ],
  },
  {
    name: "whiteouts that are hard links, symlinks, directories and fifos are whiteouts",
    layers: [
      [entry.file("a"), entry.file("b"), entry.file("c"), entry.file("e"), ...lowerDirectory],
      [
        hardlink(".wh.a", ".wh..wh.aufs"),
        symlink(".wh.b", "anywhere"),
        entry.directory(".wh.c/"),
        { name: ".wh.e", type: "fifo" },
        hardlink("d/.wh..wh..opq", ".wh..wh.aufs"),
      ],
    ],
  },
  {
    name: "leftovers of aufs are dropped with everything below them",
    layers: [
      [
        { name: ".wh..wh.aufs", mode: 0o444 },
        entry.directory(".wh..wh.orph/"),
        entry.directory(".wh..wh.plnk/"),
        entry.file(".wh..wh.plnk/4.567"),
        entry.directory("d"),
        entry.file("d/.wh..wh.orph/deep/er"),
        entry.file("kept"),
      ],
    ],
    // umoci treats them as whiteouts, but unpacks what is below them.
    umociErrsAt: {
      d: directory(),
      ".wh..wh.plnk": null,
      ".wh..wh.plnk/4.567": null,
      "d/.wh..wh.orph": null,
      "d/.wh..wh.orph/deep": null,
      "d/.wh..wh.orph/deep/er": null,
    },
  },
  {
    name: "a directory with the name of a whiteout is an ordinary part of a path",
    layers: [[entry.file(".wh.etc/file")]],
    umociErrsAt: { ".wh.etc": { mtime: layerCreated(1) } },
  },
  {
    name: "a whiteout in a directory with the name of a whiteout works",
    layers: [[entry.file(".wh.etc/a"), entry.file(".wh.etc/b")], [whiteout(".wh.etc/a")]],
    umociErrsAt: { ".wh.etc": { mtime: layerCreated(1) } },
  },
  {
    name: "a whiteout without a name is refused",
    layers: [[entry.file("d/.wh.")]],
    refusal: /Layer 2 of 2 .*d\/\.wh\./,
  },
  {
    name: "a whiteout of the directory itself is refused",
    layers: [[entry.file("d/.wh..")]],
    refusal: /Layer 2 of 2 .*d\/\.wh\.\./,
  },
  {
    name: "a whiteout of the parent directory is refused",
    layers: [[entry.file("d/.wh...")]],
    refusal: /Layer 2 of 2 .*d\/\.wh\.\.\./,
  },
  {
    name: "a whiteout below a symlinked directory hides the file that the path leads to",
    layers: [
      [entry.directory("usr"), entry.directory("usr/lib"), entry.file("usr/lib/a")],
      [symlink("lib", "usr/lib"), entry.file("usr/lib/b")],
      [whiteout("lib/a")],
    ],
  },
  {
    name: "an opaque whiteout below a symlinked directory empties the directory that the path leads to",
    layers: [
      [
        entry.directory("usr"),
        entry.directory("usr/lib"),
        entry.file("usr/lib/a"),
        symlink("lib", "/usr/lib"),
      ],
      [opaque("lib"), entry.file("lib/b")],
    ],
  },
  {
    name: "a whiteout of a symlink hides the symlink and not its target",
    layers: [[entry.directory("t"), entry.file("t/x"), symlink("s", "t")], [whiteout("s")]],
  },
  {
    name: "a whiteout of one name of a hard-linked file keeps the other names",
    layers: [[entry.file("a"), hardlink("b", "a"), hardlink("c", "b")], [whiteout("a")]],
  },
  {
    name: "a whiteout does not change the time of its directory",
    layers: [
      [...lowerDirectory, { name: "d/", type: "directory", mtime: 1_234_567_890 }],
      [whiteout("d/x")],
    ],
  },
  {
    name: "whiteouts hide devices, fifos and dangling symlinks",
    layers: [
      [
        { name: "null", type: "character-device", device: [1, 3] },
        { name: "loop", type: "block-device", device: [7, 0] },
        { name: "pipe", type: "fifo" },
        symlink("dangling", "nowhere"),
      ],
      [whiteout("null"), whiteout("loop"), whiteout("pipe"), whiteout("dangling")],
    ],
  },
  {
    name: "a file survives a whiteout in the same layer that spells its path differently",
    layers: [[entry.file("d/x")], [{ name: "./d//.wh.x" }, { name: "/d/./x", content: "new" }]],
    expected: {
      d: directory({ mtime: layerCreated(1) }),
      "d/x": file("new"),
    },
  },
];
