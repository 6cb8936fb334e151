import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";

export const compressions = ["gzip", "gzip-members", "zstd", "zstd-frames", "none"] as const;
/** gzip-members: gzip in three members. zstd-frames: zstd in three frames between skippable ones. */
export type Compression = (typeof compressions)[number];

const mediaTypes: Readonly<Record<Compression, string>> = {
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  "gzip-members": "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  "zstd-frames": "application/vnd.oci.image.layer.v1.tar+zstd",
  none: "application/vnd.oci.image.layer.v1.tar",
};

export function mediaTypeOf(compression: Compression): string {
  return mediaTypes[compression];
}

export function compress(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case "gzip":
      return gzipSync(bytes);
    case "gzip-members":
      return Buffer.concat(thirds(bytes).map((part) => gzipSync(part)));
    case "zstd":
      return zstd(bytes);
    case "zstd-frames":
      return Buffer.concat([
        skippableFrame(0, 10),
        ...thirds(bytes).flatMap((part, index) => [zstd(part), skippableFrame(index, 1000)]),
      ]);
    default:
      return bytes;
  }
}

function thirds(bytes: Buffer): Buffer[] {
  const [first, second] = [Math.floor(bytes.length / 3), Math.floor((bytes.length * 2) / 3)];
  return [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
}

export function zstd(bytes: Buffer, options: readonly string[] = []): Buffer {
  const { status, stdout, stderr } = spawnSync("zstd", ["-q", "-c", ...options], {
    input: bytes,
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`zstd: ${stderr}`);
  return stdout;
}

/** A skippable frame of zstd (RFC 8878, section 3.1.2). */
export function skippableFrame(kind: number, length: number): Buffer {
  const frame = Buffer.alloc(8 + length, 0xaa);
  frame.writeUInt32LE(0x184d2a50 + kind, 0);
  frame.writeUInt32LE(length, 4);
  return frame;
}

/** One gzip member of exactly this size, padded with the name in its header (RFC 1952, 2.3.1). */
export function gzipOfSize(bytes: Buffer, size: number): Buffer {
  const member = gzipSync(bytes, { level: 1 });
  const name = Buffer.alloc(size - member.length, "n");
  name[name.length - 1] = 0;
  const header = Buffer.from(member.subarray(0, 10));
  header[3] = 0x08;
  return Buffer.concat([header, name, member.subarray(10)]);
}
