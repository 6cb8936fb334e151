export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export { type ExtractManyOptions, extractMany, type ImageOutcome } from "./extract-many.js";
export { readImageList } from "./image-list.js";
export type { ExtractEvent, ExtractEventOf, ExtractOptions } from "./options.js";
