import { sparseFile, sparseFormats } from "../../support/sparse-file.js";
import { type ArchivePart, tar } from "../../support/tar-builder.js";

const regions = Array.from(
  { length: 6 },
  (_, index) => [index * 700 + 50, Buffer.alloc(index * 90 + 1, index + 1)] as const,
);

const parts: readonly ArchivePart[] = [
  {
    global: [
      ["comment", "for all"],
      ["gid", "12"],
      ["SCHILY.xattr.user.g", "1"],
    ],
  },
  { name: "./", type: "directory" },
  { name: "file", content: "contents".repeat(100), mtime: -1.5, uid: 4_000_000_000 },
  {
    name: Buffer.from("\xff\xfe", "latin1"),
    content: "",
    xattrs: { "user.a": Buffer.from([0, 10]) },
  },
  { name: "l".repeat(150), content: "pax", pax: [["gid", ""]] },
  { name: "g".repeat(150), content: "gnu", dialect: "gnu", uid: 4_000_000_000, mtime: -1 },
  { name: `${"p".repeat(120)}/${"n".repeat(90)}`, content: "ustar", dialect: "ustar" },
  { name: "v7/", type: "directory", dialect: "v7" },
  { name: "symlink", type: "symlink", link: "t".repeat(150) },
  { name: "symlink-gnu", type: "symlink", link: "t".repeat(150), dialect: "gnu" },
  { name: "hardlink", type: "hardlink", link: "./file" },
  { name: "device", type: "character-device", device: [1, 3] },
  { name: "fifo", type: "fifo" },
  ...sparseFormats.map((format) =>
    sparseFile(format, { name: `sparse-${format}`, size: 5_000, regions }),
  ),
  { name: "file", content: "the last one wins" },
  { name: ".wh.gone" },
];

/** A small archive with everything that the reader supports. */
export const allFeatures: Buffer = tar(parts);
