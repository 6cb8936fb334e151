export { checkAssumedPlatform } from "./assumed-platform.js";
export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export {
  type ExtractEvent,
  type ExtractEventOf,
  extractEventDescriptions,
} from "./extract-event.js";
export { type ExtractManyOptions, extractMany, type ImageOutcome } from "./extract-many.js";
export type { ExtractOptions } from "./extract-options.js";
export { readImageList } from "./image-list.js";
export { checkPlatform } from "./option-values.js";
