/** Small, general pieces that every other module may use. */
export { type ErrorCode, errorCodes, exitStatuses } from "./error-codes.js";
export { diskFull, interrupted, NetbootError, systemCode, usageError } from "./errors.js";
export type { EventDescriptions } from "./event-descriptions.js";
export { LruMap } from "./lru-map.js";
export { makeDirectories } from "./make-directories.js";
export type { OptionRow, OptionTable, OptionValues } from "./option-row.js";
export { programVersion } from "./program-version.js";
export { readAt } from "./read-at.js";
export { readChunks } from "./read-chunks.js";
export { readSmallFile, tryReadSmallFile } from "./read-small-file.js";
export { firstExisting, requireFile, requireProgram } from "./required-programs.js";
export {
  type ProgramEnd,
  type RunningProgram,
  runProgram,
  startProgram,
  tryProgram,
} from "./run-program.js";
export { sanitize } from "./sanitize-text.js";
export { createScratchDirectory, scratchParent } from "./scratch-directory.js";
export { sha256Hex, sha256OfFile } from "./sha256.js";
export { unixSeconds } from "./timestamp.js";
export {
  durationMs,
  formatAge,
  formatBytes,
  formatDuration,
  formatMemory,
  parseDuration,
  parseSize,
} from "./units.js";
export { findProgram } from "./which.js";
