import { layerCreated } from "../../support/image-layout.js";
import { entry, type MergeCase } from "../support/merge-case.js";

const { symlink } = entry;
const usrLib = [entry.directory("usr"), entry.directory("usr/lib"), entry.file("usr/lib/old")];

export const symlinkedParentCases: readonly MergeCase[] = [
  {
    name: "a relative symlink of a lower layer is followed",
    layers: [[...usrLib, symlink("lib", "usr/lib")], [entry.file("lib/n")]],
  },
  {
    name: "an absolute symlink of a lower layer is followed inside the root",
    layers: [[...usrLib, symlink("lib", "/usr/lib")], [entry.file("lib/n")]],
  },
  {
    name: "a symlink that precedes the entry in the same layer is followed",
    layers: [[...usrLib, symlink("lib", "usr/lib"), entry.file("lib/n"), entry.directory("lib/d")]],
  },
  {
    name: "a symlink that replaces a lower directory is followed from then on",
    layers: [
      [...usrLib, entry.directory("lib"), entry.file("lib/gone")],
      [symlink("lib", "usr/lib"), entry.file("lib/n")],
    ],
  },
  {
    name: "a chain of symlinks is followed",
    layers: [
      [...usrLib, symlink("a", "b"), symlink("b", "/c"), symlink("c", "./usr/../usr/lib")],
      [entry.file("a/n"), entry.file("b/m")],
    ],
  },
  {
    name: "a symlink in the middle of a path is followed",
    layers: [
      [...usrLib, entry.directory("srv"), symlink("srv/link", "../usr")],
      [entry.file("srv/link/lib/n"), entry.directory("srv/link/share")],
    ],
  },
  {
    name: "a symlink that leads out of the root stays inside it",
    layers: [
      [...usrLib, entry.directory("a"), symlink("a/up", "../../../../usr/lib")],
      [entry.file("a/up/n")],
    ],
  },
  {
    name: "a symlink to the root is followed",
    layers: [[entry.directory("a"), symlink("a/root", "/")], [entry.file("a/root/n")]],
  },
  {
    name: "a dangling symlink as a parent creates the directory that it points to",
    layers: [[symlink("s", "made/by/it")], [entry.file("s/n")]],
    umociErrsAt: {
      made: { mtime: layerCreated(2) },
      "made/by": { mtime: layerCreated(2) },
      "made/by/it": { mtime: layerCreated(2) },
    },
  },
  {
    name: "an entry whose last part is a symlink replaces the symlink",
    layers: [
      [...usrLib, symlink("a", "usr"), symlink("b", "usr/lib/old")],
      [entry.file("a", "a file"), entry.file("b", "another")],
    ],
  },
  {
    name: "a directory entry below a symlinked directory sets the attributes of the existing directory",
    layers: [
      [...usrLib, symlink("s", "usr")],
      [{ name: "s/lib/", type: "directory", mode: 0o700, uid: 3, mtime: 1_500_000_000 }],
    ],
  },
  {
    name: "a symlink whose target ends with a slash or contains dots is followed",
    layers: [
      [...usrLib, symlink("a", "usr/lib/"), symlink("b", ".//usr/./lib/.")],
      [entry.file("a/n"), entry.file("b/m")],
    ],
  },
  {
    name: "dots in the name of an entry are resolved before symlinks",
    layers: [[...usrLib, symlink("s", "usr/lib")], [entry.file("s/../n")]],
  },
  {
    name: "dots in the target of a symlink are resolved after symlinks",
    layers: [
      [...usrLib, entry.directory("a"), symlink("s", "usr/lib"), symlink("a/t", "../s/..")],
      [entry.file("a/t/n")],
    ],
  },
  {
    name: "a symlink that an upper layer changes is followed to its new target",
    layers: [
      [...usrLib, entry.directory("opt"), symlink("s", "usr")],
      [entry.file("s/first")],
      [symlink("s", "opt")],
      [entry.file("s/second")],
    ],
  },
  {
    name: "a chain of a hundred symlinks is followed",
    layers: [
      [
        entry.directory("end"),
        ...Array.from({ length: 100 }, (_, index) =>
          symlink(`s${index}`, index === 99 ? "end" : `s${index + 1}`),
        ),
      ],
      [entry.file("s0/n")],
    ],
  },
  {
    name: "a symlink to itself is refused as a parent",
    layers: [[symlink("s", "s")], [entry.file("s/n")]],
    refusal: /Layer 3 of 3 .*s\/n.*loop/,
  },
  {
    name: "two symlinks to each other are refused as a parent",
    layers: [[symlink("a", "b/x"), symlink("b", "a")], [entry.file("a/n")]],
    refusal: /Layer 3 of 3 .*a\/n.*loop/,
  },
  {
    name: "symlinks in a loop are kept if no entry goes through them",
    layers: [[symlink("a", "b"), symlink("b", "a"), symlink("self", "self")]],
  },
];
