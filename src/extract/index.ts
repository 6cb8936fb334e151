export { type ExtractResult, extract, type ResultPaths } from "./extract.js";
export type { ExtractEvent, ExtractEventOf, ExtractOptions } from "./options.js";
