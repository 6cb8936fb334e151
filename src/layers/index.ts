export { type ByteString, display, encode } from "./byte-string.js";
export { DeferredOutput } from "./deferred-output.js";
export { Flattening, type FlattenOptions, type FlowingOutput } from "./flatten.js";
export type { Layer } from "./layer.js";
export { splitPath } from "./path.js";
export { fitsSquashfs } from "./tar-writer.js";
export { lookUp, nodeAt } from "./tree-lookup.js";
export { Directory, Inode, type Node } from "./tree-node.js";
