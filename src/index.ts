/** What `import … from "kairos-netboot"` gives. */
export type { Description } from "./artifacts/index.js";
export { type ServeEvent, type ServeOptions, serve } from "./boot-server/index.js";
export {
  type ExtractEvent,
  type ExtractOptions,
  type ExtractResult,
  extract,
} from "./extract/index.js";
export type { RegistryAccess } from "./sources/index.js";
export { type ErrorCode, NetbootError } from "./support/index.js";
