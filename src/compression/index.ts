export type { ByteSource } from "./byte-source.js";
export { decompress, decompressStream } from "./decompress.js";
export { DecompressionError } from "./decompression-error.js";
export { gunzipStream } from "./gunzip.js";
export { gunzipMember } from "./gzip-member.js";
export {
  type CompressionFormat,
  detectCompression,
  detectLayerCompression,
  type LayerCompression,
  magicNumberBytes,
} from "./magic-numbers.js";
