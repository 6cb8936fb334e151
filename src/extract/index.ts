export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export { type ExtractManyOptions, extractMany, type ImageOutcome } from "./extract-many.js";
export { readImageList } from "./image-list.js";
export {
  checkPlatform,
  type ExtractEvent,
  type ExtractEventOf,
  type ExtractOptions,
} from "./options.js";
