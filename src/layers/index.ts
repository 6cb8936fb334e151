export { type ByteString, display, encode } from "../tar/index.js";
export { DeferredOutput } from "./deferred-output.js";
export { Flattening, type FlowingOutput } from "./flatten.js";
export type { Layer } from "./layer.js";
export { clampTime, fitsSquashfs } from "./tar-writer.js";
export { splitPath } from "./tree/path.js";
export { lookUp, nodeAt } from "./tree/tree-lookup.js";
export { Directory, Inode } from "./tree/tree-node.js";
