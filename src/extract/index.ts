export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export { type ExtractManyOptions, extractMany, type ImageOutcome } from "./extract-many.js";
export {
  checkPlatform,
  type ExtractEvent,
  type ExtractEventOf,
  type ExtractOptions,
  extractEventDescriptions,
} from "./extract-options.js";
export { readImageList } from "./image-list.js";
