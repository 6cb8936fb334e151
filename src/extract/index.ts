export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export {
  checkPlatform,
  type ExtractEvent,
  type ExtractEventOf,
  type ExtractOptions,
} from "./options.js";
