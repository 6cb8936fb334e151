import { layerCreated } from "../../support/image-layout.js";
import { entry, file, type MergeCase, symlink } from "../support/merge-case.js";

const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
/** Linux encodes device numbers in 12 and 20 bits (include/linux/kdev_t.h, MINORBITS). */
const [maxMajor, maxMinor] = [2 ** 12 - 1, 2 ** 20 - 1];
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

export const attributeCases: readonly MergeCase[] = [
  {
    name: "setuid, setgid and sticky bits are kept on files and directories",
    layers: [
      [0o4755, 0o2755, 0o1755, 0o7777, 0o6000, 0o0].flatMap((mode) => [
        { name: `f${mode}`, content: "x", mode, uid: 1, gid: 2 },
        { name: `d${mode}/`, type: "directory", mode, uid: 1, gid: 2 },
      ]),
    ],
  },
  {
    name: "type bits in the mode field are ignored",
    layers: [
      [
        { name: "f", content: "x", mode: 0o100640 },
        { name: "d", type: "directory", mode: 0o040750 },
      ],
    ],
  },
  {
    name: "owners up to 4,000,000,000 are kept in pax and GNU headers",
    layers: [
      [
        { name: "pax", content: "x", uid: 4_000_000_000, gid: 3_999_999_999 },
        { name: "gnu", content: "x", uid: 4_000_000_000, gid: 3_999_999_998, dialect: "gnu" },
        { name: "octal", content: "x", uid: 0o7777777, gid: 65_534 },
        { name: "d", type: "directory", uid: 0o10000000, gid: 4_294_967_294 },
        { name: "s", type: "symlink", link: "x", uid: 1000, gid: 4_000_000_000 },
      ],
    ],
  },
  {
    name: "owner names are ignored, because this machine may map them to other ids",
    layers: [
      [
        {
          name: "f",
          uid: 12,
          gid: 13,
          pax: [
            ["uname", "root"],
            ["gname", "daemon"],
          ],
        },
      ],
    ],
  },
  {
    name: "the root directory has the attributes of its uppermost entry",
    layers: [
      [{ name: "./", type: "directory", mode: 0o1777, uid: 9, gid: 9 }],
      [{ name: "/", type: "directory", mode: 0o711, uid: 3, gid: 4, mtime: 1_500_000_000 }],
      [entry.file("f")],
    ],
  },
  {
    name: "a root directory without an entry is 0755 root:root with the bottom layer's time",
    hasBase: false,
    layers: [
      [
        entry.file("boot/vmlinuz"),
        entry.file("boot/initrd"),
        { name: "etc/kairos-release", content: 'KAIROS_ARTIFACT="kairos-z"\n' },
      ],
    ],
    umociErrsAt: {
      ".": { mode: "0755", owner: "0:0", mtime: layerCreated(0) },
      boot: { mode: "0755", owner: "0:0", mtime: layerCreated(0) },
      etc: { mode: "0755", owner: "0:0", mtime: layerCreated(0) },
    },
  },
  {
    name: "a parent without an entry in the upper layer keeps its attributes from the lower layer",
    layers: [
      [
        {
          name: "d/",
          type: "directory",
          mode: 0o2770,
          uid: 4,
          gid: 5,
          mtime: 1_234_567_890,
          xattrs: { "user.a": "1" },
        },
      ],
      [entry.file("d/x"), entry.directory("d/y"), entry.symlink("d/z", "x")],
    ],
  },
  {
    name: "a directory entry that follows its children sets the attributes",
    layers: [
      [
        entry.file("d/e/f"),
        { name: "d/e", type: "directory", mode: 0o700, mtime: 1_234_567_890 },
        { name: "d", type: "directory", mode: 0o711, mtime: 1_234_567_891 },
      ],
    ],
  },
  {
    name: "a directory that the lower layer only implies gets the attributes of its entry in the upper layer",
    layers: [
      [entry.file("d/x")],
      [{ name: "d/", type: "directory", mode: 0o700, uid: 8, mtime: 1_234_567_890 }],
    ],
  },
  {
    name: "times from 1970 to 2106 are kept, including those after 2038",
    layers: [
      [
        { name: "zero", mtime: 0 },
        { name: "one", mtime: 1 },
        { name: "d", type: "directory", mtime: 2_147_483_648 },
        { name: "late", mtime: 4_294_967_295, dialect: "gnu" },
        { name: "s", type: "symlink", link: "x", mtime: 3_000_000_000 },
      ],
    ],
  },
  {
    name: "fractions of a second are dropped",
    layers: [
      [
        { name: "f", mtime: 1_500_000_000.999 },
        {
          name: "g",
          pax: [
            ["mtime", "1500000000.123456789"],
            ["atime", "1.5"],
            ["ctime", "2"],
          ],
        },
        { name: "h", pax: [["mtime", "1500000001"]] },
        { name: "d", type: "directory", mtime: 1_500_000_000.5 },
        { name: "s", type: "symlink", link: "x", mtime: 1_500_000_000.25 },
      ],
    ],
  },
  {
    name: "times before 1970, which squashfs cannot store, become 1970",
    layers: [
      [
        { name: "pax", mtime: -1 },
        { name: "fraction", mtime: -0.5 },
        { name: "early", mtime: -1_000_000_000.75 },
        { name: "gnu", mtime: -86_400, dialect: "gnu" },
        { name: "d", type: "directory", mtime: -5 },
      ],
    ],
    // umoci is right: the file system that it unpacks to has negative times.
    umociErrsAt: {
      pax: { mtime: 0 },
      fraction: { mtime: 0 },
      early: { mtime: 0 },
      gnu: { mtime: 0 },
      d: { mtime: 0 },
    },
  },
  {
    name: "times after 2106, which squashfs cannot store, become the last one that it can",
    layers: [
      [
        { name: "pax", pax: [["mtime", "5000000000"]] },
        { name: "gnu", mtime: 5_000_000_000, dialect: "gnu" },
      ],
    ],
    umociErrsAt: { pax: { mtime: 4_294_967_295 }, gnu: { mtime: 4_294_967_295 } },
  },
  {
    name: "file capabilities are kept byte for byte",
    layers: [
      [
        { name: "ping", content: "x", mode: 0o755, xattrs: { "security.capability": capability } },
        {
          name: "v3",
          content: "x",
          xattrs: {
            "security.capability": Buffer.from(
              "010000030020000000000000000000000000000000000000",
              "hex",
            ),
          },
        },
      ],
    ],
  },
  {
    name: "extended attributes with any bytes are kept on files, directories and symlinks",
    layers: [
      [
        {
          name: "f",
          content: "x",
          xattrs: { "user.bytes": everyByte, "user.a.b": "\n=\n", "trusted.t": Buffer.from([0]) },
        },
        {
          name: "d",
          type: "directory",
          xattrs: { "user.bytes": everyByte, "trusted.t": "\xff\0" },
        },
        { name: "s", type: "symlink", link: "f", xattrs: { "trusted.t": everyByte } },
        { name: "p", type: "fifo", xattrs: { "trusted.t": "a fifo's" } },
        {
          name: "c",
          type: "character-device",
          device: [1, 3],
          xattrs: { "trusted.t": "a device's" },
        },
      ],
    ],
  },
  {
    name: "an extended attribute with an empty value is kept",
    layers: [[{ name: "f", content: "x", xattrs: { "user.empty": "", "user.full": "x" } }]],
    // umoci drops it, like everything that reads tars with Go; GNU tar keeps it.
    umociErrsAt: { f: { xattrs: { "user.empty": "", "user.full": "78" } } },
  },
  {
    name: "the name of an extended attribute may contain bytes that are not ASCII",
    layers: [[{ name: "f", content: "x", xattrs: { "user.größe": "1", "user.a b": "2" } }]],
  },
  {
    name: "an upper file without extended attributes does not inherit those of the lower file",
    layers: [
      [{ name: "f", content: "x", xattrs: { "security.capability": capability } }],
      [{ name: "f", content: "y" }],
    ],
  },
  {
    name: "POSIX ACLs, which squashfs cannot store, are dropped and other attributes are kept",
    layers: [
      [
        {
          name: "f",
          content: "x",
          mode: 0o664,
          xattrs: {
            "user.kept": "1",
            "system.posix_acl_access": Buffer.from(
              "0200000001000600ffffffff020006000100000004000600ffffffff10000600ffffffff20000400ffffffff",
              "hex",
            ),
          },
        },
      ],
    ],
    umociErrsAt: { f: { xattrs: { "user.kept": "31" } } },
  },
  {
    name: "the last value counts if a pax header repeats a keyword",
    layers: [
      [
        {
          name: "f",
          content: "x",
          pax: [
            ["uid", "1"],
            ["path", "wrong"],
            ["uid", "2"],
            ["path", "right"],
          ],
        },
      ],
    ],
  },
  {
    name: "pax records with unknown keywords are ignored",
    layers: [
      [
        {
          name: "f",
          content: "x",
          pax: [
            ["comment", "a\nb=c"],
            ["VENDOR.thing", Buffer.from([0, 255, 10])],
            ["SCHILY.dev", "1"],
            ["LIBARCHIVE.creationtime", "1"],
          ],
        },
      ],
    ],
  },
  {
    name: "a pax global header applies to the following entries unless they override it",
    layers: [
      [
        { name: "before", content: "x" },
        {
          global: [
            ["uid", "1234"],
            ["gid", "4000000000"],
            ["mtime", "1500000000.5"],
            ["SCHILY.xattr.trusted.global", "1"],
            ["comment", "0123456789abcdef"],
          ],
        },
        { name: "after", content: "x" },
        {
          name: "own",
          content: "x",
          pax: [
            ["uid", "7"],
            ["mtime", "1400000000"],
          ],
        },
        { name: "link", type: "symlink", link: "x", pax: [["gid", "8"]] },
      ],
      [{ name: "next-layer", content: "x" }],
    ],
    // umoci fails: it treats the header as an entry of an unknown type.
    expected: {
      before: file("x"),
      after: file("x", {
        owner: "1234:4000000000",
        mtime: 1_500_000_000,
        xattrs: { "trusted.global": "31" },
      }),
      own: file("x", {
        owner: "7:4000000000",
        mtime: 1_400_000_000,
        xattrs: { "trusted.global": "31" },
      }),
      link: symlink("x", {
        owner: "1234:8",
        mtime: 1_500_000_000,
        xattrs: { "trusted.global": "31" },
      }),
      "next-layer": file("x"),
    },
  },
  {
    name: "an empty pax record cancels a global one, and a second global header adds to the first",
    layers: [
      [
        {
          global: [
            ["uid", "1234"],
            ["gid", "1234"],
          ],
        },
        {
          global: [
            ["mtime", "1500000000"],
            ["gid", "55"],
          ],
        },
        { name: "a", content: "x" },
        {
          name: "b",
          content: "x",
          uid: 3,
          pax: [
            ["uid", ""],
            ["mtime", ""],
          ],
        },
        { name: "c", content: "x" },
      ],
    ],
    // umoci fails: it treats the header as an entry of an unknown type.
    expected: {
      a: file("x", { owner: "1234:55", mtime: 1_500_000_000 }),
      b: file("x", { owner: "3:55" }),
      c: file("x", { owner: "1234:55", mtime: 1_500_000_000 }),
    },
  },
  {
    name: "a global header with just a comment, as git writes it, changes nothing",
    layers: [[{ global: [["comment", "6baa8d4"]] }, entry.file("f")]],
    // umoci fails: it treats the header as an entry of an unknown type.
    expected: { f: file("contents of f") },
  },
  {
    name: "character and block devices keep their numbers, and fifos keep their modes",
    layers: [
      [
        { name: "null", type: "character-device", device: [1, 3], mode: 0o666 },
        { name: "tty", type: "character-device", device: [5, 0], mode: 0o620, uid: 1, gid: 5 },
        { name: "sda", type: "block-device", device: [8, 0], mode: 0o660, gid: 6 },
        { name: "large", type: "block-device", device: [259, 65_537], mode: 0o600 },
        { name: "major", type: "character-device", device: [4095, 255] },
        { name: "largest", type: "block-device", device: [maxMajor, maxMinor] },
        { name: "pipe", type: "fifo", mode: 0o4711 },
      ],
    ],
  },
  {
    name: "a device with a major number of more than 12 bits is refused",
    layers: [[{ name: "device", type: "character-device", device: [maxMajor + 1, 0] }]],
    refusal: /\/device .*4096:0.*4095:1048575/,
    refusalCode: "DEVICE_UNSUPPORTED",
  },
  {
    name: "a device with a minor number of more than 20 bits is refused",
    layers: [[{ name: "device", type: "block-device", device: [8, maxMinor + 1] }]],
    refusal: /\/device .*8:1048576.*4095:1048575/,
    refusalCode: "DEVICE_UNSUPPORTED",
  },
  {
    name: "a device with an unsupported number does not matter if an upper layer hides it",
    layers: [
      [{ name: "device", type: "character-device", device: [maxMajor + 1, 0] }, entry.file("f")],
      [entry.whiteout("device")],
    ],
  },
  {
    name: "an extended attribute that is larger than Linux allows is refused",
    layers: [[{ name: "f", content: "x", xattrs: { "user.a": Buffer.alloc(64 * 1024 + 1) } }]],
    refusal: /Layer 2 of 2 .*at "f".*user\.a.*65537 bytes/,
  },
  {
    name: "the attributes of the overlay driver are dropped, and no others",
    layers: [
      [
        { name: "./", type: "directory", xattrs: { "trusted.overlay.impure": "y" } },
        {
          name: "d/",
          type: "directory",
          xattrs: { "trusted.overlay.opaque": "y", "trusted.overlay.origin": everyByte },
        },
        { name: "d/f", content: "x", xattrs: { "trusted.overlay.metacopy": "", "user.a": "1" } },
        { name: "d/s", type: "symlink", link: "f", xattrs: { "trusted.overlay.redirect": "/etc" } },
        { name: "d/trusted", xattrs: { "trusted.overlayed": "1", "trusted.overlay": "2" } },
        { name: "d/user", xattrs: { "user.overlay.opaque": "y" } },
        {
          name: "d/ping",
          xattrs: { "security.capability": capability, "trusted.overlay.nlink": "U+1" },
        },
      ],
      [{ name: "d/", type: "directory", xattrs: { "trusted.overlay.redirect": "/etc" } }],
    ],
  },
];
