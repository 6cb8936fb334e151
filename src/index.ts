/** The public API of the package kairos-netboot. */
export type { WrittenNetbootJson as NetbootJson } from "./artifacts/index.js";
export { type CreateIsoOptions, createIso } from "./boot-media/index.js";
export { type ServeEvent, type ServeOptions, serve } from "./boot-server/index.js";
export {
  type ExtractEvent,
  type ExtractManyOptions,
  type ExtractOptions,
  type ExtractResult,
  extract,
  extractMany,
  type ImageOutcome,
} from "./extract/index.js";
export {
  type InspectEvent,
  type Inspection,
  type InspectionProblem,
  type InspectOptions,
  inspect,
} from "./inspect/index.js";
export type { RegistryAccess } from "./sources/index.js";
export { type ErrorCode, NetbootError } from "./support/index.js";
export { type Check, type VerifyOptions, verifyDirectory } from "./verify/index.js";
