export { squashfsLimits } from "./inode-limits.js";
export { type Listing, listSquashfs } from "./listing.js";
export { Mksquashfs } from "./mksquashfs.js";
export { type MksquashfsVersion, probeMksquashfs } from "./mksquashfs-version.js";
export {
  needsNewestMtime,
  planSquashfs,
  type SquashfsFacts,
  type SquashfsPlan,
} from "./plan.js";
export {
  type Codec,
  type Compression,
  codecs,
  formatCompression,
  parseBlockSize,
  parseCompression,
} from "./squashfs-compression.js";
export { checkSquashfs, parseSuperblock, readSuperblock, type Superblock } from "./superblock.js";
