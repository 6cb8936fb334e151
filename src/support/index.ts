export {
  diskFull,
  type ErrorCode,
  interrupted,
  isErrorCode,
  NetbootError,
  systemCode,
  usageError,
} from "./errors.js";
export { makeDirectories } from "./make-directories.js";
export { formatBytes, printable } from "./printable.js";
export { programVersion } from "./program-version.js";
export { readChunks } from "./read-chunks.js";
export { readSmall } from "./read-small.js";
export { firstThere, neededFile, neededProgram, runNeeded } from "./required-programs.js";
export { secondsOf } from "./rfc3339.js";
export { newScratch, scratchPlace } from "./scratch.js";
export { formatDuration, formatMemory, parseDuration, parseSize } from "./units.js";
export { findProgram } from "./which.js";
