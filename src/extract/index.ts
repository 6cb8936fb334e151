export { type ExtractResult, extract } from "./extract.js";
export type { ExtractEvent, ExtractEventOf, ExtractOptions } from "./options.js";
