import { layerCreated } from "../../support/image-layout.js";
import { bulk, directory, entry, type LayerOfCase, type MergeCase } from "../support/merge-case.js";

const { hardlink, opaque, symlink, whiteout } = entry;

/**
 * The program reads layers from the top down and writes files to the squashfs as they stream past,
 * if the names in the layers above suggest that they survive. `startsOver` says whether that turns
 * out to be wrong, so that the program has to start over.
 */
const small = [entry.directory("d"), entry.file("d/small"), entry.file("other")];
const large = [
  entry.directory("d"),
  bulk("d/large"),
  entry.file("d/a", "a of the large one"),
  entry.directory("d/sub"),
  entry.file("d/sub/b", "b of the large one"),
  bulk("e"),
];

function withLarge(name: string, above: LayerOfCase[], startsOver?: boolean): MergeCase {
  const more = startsOver === undefined ? {} : { startsOver };
  return { name, layers: [small, large, ...above], ...more };
}

export const writtenEarlyCases: readonly MergeCase[] = [
  { name: "a large layer at the top", layers: [small, large], startsOver: false },
  { name: "a large layer in the middle", layers: [small, large, small], startsOver: false },
  { name: "a large layer right above the base", layers: [large, small, small], startsOver: false },
  {
    name: "a large layer at the bottom",
    hasBase: false,
    layers: [
      [
        { name: "./", type: "directory" },
        entry.directory("boot"),
        bulk("boot/vmlinuz"),
        bulk("boot/initrd", 20_000),
        entry.directory("etc"),
        { name: "etc/kairos-release", content: 'KAIROS_ARTIFACT="kairos-l"\n' },
        bulk("large"),
        bulk("gone"),
        bulk("replaced"),
      ],
      [whiteout("gone"), entry.file("replaced"), hardlink("linked", "large")],
    ],
    startsOver: false,
  },
  withLarge("a file of a lower layer that a layer above hides", [[whiteout("d/large")]], false),
  withLarge("a directory of it that a layer above hides", [[whiteout("d")]], false),
  {
    name: "a directory of a large layer that a layer above makes opaque",
    layers: [small, large, [opaque("d"), entry.file("d/sub/c")]],
    // umoci gives implied directories and their parents the time of unpacking.
    umociErrsAt: { d: directory(), "d/sub": directory({ mtime: layerCreated(3) }) },
    startsOver: false,
  },
  withLarge("a file of it that a layer above replaces", [[entry.file("d/large", "new")]], false),
  withLarge(
    "a file of it that a layer above replaces by a directory",
    [[entry.directory("e"), entry.file("e/x")]],
    false,
  ),
  withLarge("a directory of it that a layer above replaces by a file", [[entry.file("d")]], false),
  withLarge(
    "a directory of it that a layer above replaces by a symlink",
    [[symlink("d", "etc")]],
    false,
  ),
  withLarge(
    "a directory of it that a layer above gives other attributes",
    [[{ name: "d", type: "directory", mode: 0o700, uid: 5 }]],
    false,
  ),
  withLarge(
    "a file of it that is hidden and made again further up",
    [[whiteout("d/large")], [entry.file("d/large", "again")]],
    false,
  ),
  withLarge("a file of it that a layer above links to and hides", [
    [hardlink("linked", "d/large"), whiteout("d/large")],
  ]),
  withLarge("a file of it that a layer above links to and replaces", [
    [hardlink("linked", "d/large"), entry.file("d/large", "new")],
  ]),
  withLarge(
    "a file of it that a layer above links to twice",
    [[hardlink("d/1", "d/large"), hardlink("0", "d/large"), hardlink("d/large.2", "0")]],
    false,
  ),
  {
    name: "hard links in a lower layer that a layer above repeats",
    layers: [
      small,
      [...large, hardlink("d/linked", "d/large")],
      [hardlink("d/large", "d/linked"), opaque("nothing")],
    ],
    startsOver: false,
  },
  withLarge(
    "a file of it hidden through a symlink of a layer above",
    [[symlink("s", "d"), whiteout("s/large")]],
    true,
  ),
  withLarge(
    "a file of it replaced through a symlink of a layer above",
    [[symlink("s", "d")], [entry.file("s/large", "through the symlink")]],
    true,
  ),
  withLarge(
    "a directory of it made opaque through a symlink of a layer above",
    [[symlink("s", "d"), opaque("s")]],
    true,
  ),
  {
    name: "a file of a large layer that is replaced through a symlink of a layer below",
    layers: [
      [entry.directory("d"), symlink("s", "d")],
      large,
      [entry.file("s/large", "through the symlink"), whiteout("s/a")],
    ],
    startsOver: true,
  },
  {
    name: "files that a large layer adds through a symlink of a layer below",
    layers: [
      [entry.directory("usr"), entry.directory("usr/lib"), symlink("lib", "usr/lib")],
      [bulk("lib/large"), entry.file("usr/lib/a"), entry.file("lib/b")],
      [entry.file("usr/lib/a", "replaced"), whiteout("usr/lib/b")],
    ],
    startsOver: true,
  },
  {
    name: "files that a large layer adds through its own symlink, hidden by either name",
    layers: [
      small,
      [symlink("s", "d"), bulk("s/one"), bulk("s/two"), bulk("s/three")],
      [whiteout("d/one"), whiteout("s/two")],
    ],
    startsOver: true,
  },
  {
    name: "a symlink of a large layer that a layer above replaces with a directory",
    layers: [
      small,
      [symlink("s", "d"), bulk("s/large")],
      [entry.directory("s"), entry.file("s/x")],
    ],
    startsOver: true,
  },
  {
    name: "duplicates in one layer",
    layers: [
      small,
      [
        bulk("d/twice"),
        entry.file("d/twice", "the last one"),
        entry.file("d/thrice", "1"),
        bulk("d/thrice", 10_000),
        bulk("d/thrice", 10_001),
      ],
    ],
    startsOver: true,
  },
  {
    name: "a directory with early files that its own layer replaces later",
    layers: [small, [...large, entry.file("d", "a file now")]],
    startsOver: true,
  },
  {
    name: "an early file that its own layer replaces with a directory later",
    layers: [small, [bulk("f"), entry.directory("f"), bulk("f/x")]],
    startsOver: true,
  },
  {
    name: "an early file that its own layer replaces with a symlink and adds files through",
    layers: [small, [bulk("f"), symlink("f", "d"), bulk("f/x")]],
    startsOver: true,
  },
  {
    name: "an early file with a hard link that its own layer replaces later",
    layers: [small, [bulk("f"), hardlink("g", "f"), entry.file("f", "new")]],
    startsOver: true,
  },
  {
    name: "whiteouts that do not affect their own layer's files",
    layers: [
      small,
      [whiteout("d/small"), bulk("d/large"), whiteout("d/large"), opaque("d"), whiteout("other")],
    ],
    startsOver: false,
  },
  {
    name: "hard links to files of a layer below",
    layers: [
      [bulk("low", 1_000), entry.directory("d")],
      [bulk("large"), hardlink("linked", "low"), hardlink("d/linked", "large")],
      [whiteout("low")],
    ],
    startsOver: false,
  },
  {
    name: "empty files, symlinks and devices in a large layer",
    layers: [
      small,
      [
        entry.file("empty", ""),
        bulk("large"),
        symlink("s", "large"),
        { name: "c", type: "character-device", device: [1, 3] },
        hardlink("empty2", "empty"),
        hardlink("s2", "s"),
      ],
      [hardlink("s3", "s2"), whiteout("empty")],
    ],
    startsOver: false,
  },
  {
    name: "files that are newer than the image claims to be keep their times",
    layers: [
      small,
      [bulk("d/large"), { name: "d/new", content: "x", mtime: 1_800_000_000 }],
      [{ name: "newer", content: "x", mtime: 1_900_000_000 }],
    ],
  },
  {
    name: "a file of a lower layer that is newer than everything above makes the program start over",
    layers: [small, [bulk("d/large"), { name: "d/new", content: "x", mtime: 1_800_000_000 }]],
    startsOver: true,
  },
  {
    name: "a root directory with an entry only in the top layer",
    layers: [
      small,
      [{ name: "./", type: "directory", mode: 0o711, mtime: 1_500_000_000 }, bulk("d/large")],
    ],
  },
  {
    name: "kernel and initrd of a lower layer that are replaced above and reached through a symlink",
    layers: [
      [
        bulk("boot/vmlinuz-6.1.0"),
        bulk("boot/initrd.img-6.1.0"),
        { name: "boot/vmlinuz", type: "symlink", link: "vmlinuz-6.1.0" },
        { name: "boot/initrd", type: "symlink", link: "/boot/initrd.img-6.1.0" },
      ],
      [entry.file("boot/initrd.img-6.1.0", "another initrd")],
    ],
    startsOver: false,
  },
];
