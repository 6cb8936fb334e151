export { type CompressorName, compressorNames } from "./compressors.js";
export {
  bcjFilterFor,
  chooseReadableCompression,
  lacksSquashfs,
  supportsCompressor,
} from "./kernel-support.js";
export { listSquashfs } from "./list-squashfs.js";
export { Mksquashfs } from "./mksquashfs.js";
export { type MksquashfsVersion, probeMksquashfs } from "./mksquashfs-version.js";
export { readSquashfsFiles } from "./read-squashfs-files.js";
export {
  formatCompression,
  parseBlockSize,
  parseCompression,
  type SquashfsCompression,
} from "./squashfs-compression.js";
export { squashfsLimits } from "./squashfs-limits.js";
export {
  needsNewestMtime,
  planSquashfs,
  type SquashfsFacts,
  type SquashfsPlan,
} from "./squashfs-plan.js";
export { checkSquashfs, parseSuperblock, readSuperblock } from "./superblock.js";
