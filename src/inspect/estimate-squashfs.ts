import { estimateContentBytes } from "../layers/index.js";
import type { ResolvedImage } from "../oci-client/index.js";

/** Size of a squashfs (zstd, level 3, blocks of 1 MiB) relative to the contents of a Debian image. */
const squashfsRatio = 0.335;

export interface EstimateInput {
  readonly image: ResolvedImage;
  /** Bytes of all files; undefined if some layers were not read. */
  readonly contentBytes: number | undefined;
  /** Bytes of the kernel and the initrd. They are compressed already and do not shrink again. */
  readonly bootFileBytes: number;
}

/** Estimates the bytes of the squashfs that `extract` makes of an image. */
export function estimateSquashfs({ image, contentBytes, bootFileBytes }: EstimateInput): number {
  const compressible =
    contentBytes === undefined
      ? estimateCompressible(image, bootFileBytes)
      : contentBytes - bootFileBytes;
  return Math.round(Math.max(0, compressible) * squashfsRatio + bootFileBytes);
}

/**
 * Estimates, from the sizes of the layers, the bytes of all files but the kernel and the initrd. In
 * their layers, those two are about as large as in the image.
 */
function estimateCompressible({ manifest, config }: ResolvedImage, bootFileBytes: number): number {
  let [plain, compressed] = [0, 0];
  for (const [number, { digest, size }] of manifest.layers.entries()) {
    // The digest of an uncompressed layer is its diff ID.
    if (digest === config.rootfs.diff_ids[number]) plain += size;
    else compressed += size;
  }
  const inPlain = Math.max(0, bootFileBytes - compressed);
  return estimateContentBytes(Math.max(0, compressed - bootFileBytes)) + plain - inPlain;
}
