import { detectCompression } from "../../compression/index.js";
import type { Descriptor } from "../../oci-client/index.js";

/** A format of layers that this program cannot read. */
export interface ForeignFormat {
  /** A predicate: "is encrypted". */
  readonly predicate: string;
  readonly hint: string;
}

interface FormatRow extends ForeignFormat {
  readonly mediaType: RegExp;
  /** An annotation of the layer's descriptor; tools add it even if the media type is a usual one. */
  readonly annotation?: RegExp;
  /** Bytes at an offset. */
  readonly magic?: readonly [offset: number, ...alternatives: Buffer[]];
}

const formats: readonly FormatRow[] = [
  {
    predicate: "is encrypted",
    hint: "Decrypt the image first: skopeo copy --decryption-key KEY docker://IMAGE oci:DIR:TAG",
    // ocicrypt, spec.md
    mediaType: /\+enc(?:rypted)?$/,
    annotation: /^org\.opencontainers\.image\.enc\./,
  },
  {
    predicate: "is a nydus blob instead of a tar",
    hint: "Use the image that this one was converted from.",
    // nydus-snapshotter, pkg/converter/constant.go
    mediaType: /\bnydus\b/,
    annotation: /^containerd\.io\/snapshot\/nydus-blob$/,
  },
  {
    predicate: "is a squashfs file system instead of a tar",
    hint: "Build the image with tar layers. For stacker, this is --layer-type tar.",
    mediaType: /\bsquashfs\b/,
    magic: [0, Buffer.from("hsqs"), Buffer.from("sqsh")],
  },
  {
    predicate: "is an EROFS file system instead of a tar",
    hint: "Build the image with tar layers, or use the image that this one was converted from.",
    mediaType: /\berofs\b/,
    // Linux, fs/erofs/erofs_fs.h, EROFS_SUPER_MAGIC_V1
    magic: [1024, Buffer.from([0xe2, 0xe1, 0xf5, 0xe0])],
  },
];

/** Number of bytes that `recognizeContent` needs at most. */
export const maxMagicBytes = 1028;

/** The format that the descriptor names, if this program cannot read it. */
export function recognizeDescriptor({
  mediaType,
  annotations = {},
}: Descriptor): ForeignFormat | undefined {
  const names = Object.keys(annotations);
  return formats.find(
    ({ mediaType: type, annotation }) =>
      type.test(mediaType) || names.some((name) => annotation?.test(name)),
  );
}

/**
 * The format of a layer that is not a tar, judged by its first bytes.
 * @param head of the layer, decompressed if it was compressed in a way that this program reads
 */
export function recognizeContent(head: Buffer): ForeignFormat | undefined {
  const found = formats.find(({ magic: [offset = 0, ...alternatives] = [] }) =>
    alternatives.some((bytes) => head.subarray(offset, offset + bytes.length).equals(bytes)),
  );
  if (found !== undefined) return found;
  const compression = detectCompression(head);
  return (
    compression && {
      predicate: `is compressed with ${compression}, which is not a compression of layers`,
      hint: "Build the image with layers that are compressed with gzip or zstd.",
    }
  );
}
