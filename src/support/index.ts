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
export { firstThere, neededFile, neededProgram, runNeeded } from "./needed.js";
export { formatBytes, printable } from "./printable.js";
export { findProgram } from "./programs.js";
export { formatDuration, formatMemory, parseDuration, parseSize } from "./quantities.js";
export { readChunks } from "./read-chunks.js";
export { readSmall } from "./read-small.js";
export { secondsOf } from "./rfc3339.js";
export { newScratch, scratchPlace } from "./scratch.js";
export { programVersion } from "./version.js";
