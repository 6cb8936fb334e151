export {
  type Codec,
  type Compression,
  codecs,
  formatCompression,
  parseBlockSize,
  parseCompression,
} from "./compression.js";
export { type Listing, listSquashfs } from "./listing.js";
export { Mksquashfs } from "./mksquashfs.js";
export {
  needsNewestMtime,
  planSquashfs,
  type SquashfsFacts,
  type SquashfsPlan,
} from "./plan.js";
export { checkSquashfs, parseSuperblock, readSuperblock, type Superblock } from "./superblock.js";
export { type MksquashfsVersion, probeMksquashfs } from "./version.js";
