import { estimateContentBytes } from "../layers/index.js";
import type { ResolvedImage } from "../oci-client/index.js";

/** A squashfs with zstd, level 3, in blocks of 1 MiB, to the contents of an image of Debian. */
const squashedPart = 0.335;

/**
 * Bytes that the squashfs of an image has, by estimate.
 * @param contents bytes of all files, where the whole image was read
 */
export function squashfsEstimate(image: ResolvedImage, contents: number | undefined): number {
  return Math.round((contents ?? estimateContentBytesOf(image)) * squashedPart);
}

/** A layer whose digest is its diff ID is not compressed. */
function estimateContentBytesOf({ manifest, config }: ResolvedImage): number {
  return manifest.layers.reduce((sum, { digest, size }, number) => {
    const isPlain = digest === config.rootfs.diff_ids[number];
    return sum + (isPlain ? size : estimateContentBytes(size));
  }, 0);
}
