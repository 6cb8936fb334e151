export { type ExtractResult, extract } from "./extract.js";
export type { ExtractEvent, ExtractOptions } from "./options.js";
