export {
  type Codec,
  type Compression,
  codecs,
  formatCompression,
  parseBlockSize,
  parseCompression,
} from "./compression.js";
export { Mksquashfs } from "./mksquashfs.js";
export {
  needsNewestMtime,
  planSquashfs,
  type SquashfsFacts,
  type SquashfsPlan,
} from "./plan.js";
export { checkSquashfs, parseSuperblock } from "./superblock.js";
export { type MksquashfsVersion, probeMksquashfs } from "./version.js";
