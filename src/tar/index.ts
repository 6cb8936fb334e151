/** Reads tars without changing a byte of any name or value. */
export { blockSize } from "./block.js";
export { abbreviate, type ByteString, display, encode, toBytes } from "./byte-string.js";
export { FormatError } from "./format-error.js";
export { formatPaxRecords, type PaxRecords } from "./pax.js";
export type { EntryType, TarEntry } from "./tar-entry.js";
export { indexTar, isTar } from "./tar-index.js";
export { TarReader } from "./tar-reader.js";
