/** What the kernel can decompress an initrd with (Linux, lib/decompress.c). */
export type CompressionFormat = "gzip" | "zstd" | "xz" | "lz4" | "bzip2" | "lzma" | "lzo";

/** What layers and image archives are compressed with. OCI defines gzip and zstd. */
export type LayerCompression = "gzip" | "zstd" | "xz" | "bzip2" | "none";

/** The first bytes of compressed data. */
const magicNumbers: readonly (readonly [CompressionFormat, ...bytes: number[]])[] = [
  ["gzip", 0x1f, 0x8b], // RFC 1952 §2.3.1
  ["zstd", 0x28, 0xb5, 0x2f, 0xfd], // RFC 8878 §3.1.1
  ["xz", 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ["lz4", 0x02, 0x21, 0x4c, 0x18], // the legacy frame, which the kernel reads
  ["lz4", 0x04, 0x22, 0x4d, 0x18],
  ["bzip2", 0x42, 0x5a, 0x68],
  ["lzma", 0x5d, 0x00, 0x00],
  ["lzo", 0x89, 0x4c, 0x5a, 0x4f],
];

/** The beginning of the first block or, in an empty file, of the end of a bzip2 file. */
const bzip2Blocks = ["314159265359", "177245385090"];

/** Number of bytes that the functions below need at most. */
export const magicNumberBytes = 10;

/**
 * Detects the compression of data by their first bytes.
 * @returns undefined if the data are not compressed, or in an unknown way
 */
export function detectCompression(head: Buffer): CompressionFormat | undefined {
  return magicNumbers.find(([, ...bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0];
}

/**
 * Detects the compression of a layer or an image archive by its first bytes: media types and file
 * names are often wrong. Unlike an initrd, a layer may begin with a skippable zstd frame.
 */
export function detectLayerCompression(head: Buffer): LayerCompression {
  if (isSkippableZstdFrame(head)) return "zstd";
  const compression = detectCompression(head);
  switch (compression) {
    case "gzip":
    case "zstd":
    case "xz":
      return compression;
    case "bzip2":
      // A tar may begin with the name of a file, such as BZhang.txt.
      return bzip2Blocks.includes(head.toString("hex", 4, 10)) ? compression : "none";
    default:
      return "none";
  }
}

/** RFC 8878 §3.1.2. */
function isSkippableZstdFrame(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32LE(0) >>> 4 === 0x184d2a5;
}
