export {
  diskFull,
  type ErrorCode,
  interrupted,
  isErrorCode,
  NetbootError,
  systemCode,
} from "./errors.js";
export { formatBytes, printable } from "./printable.js";
export { findProgram } from "./programs.js";
export { formatDuration, parseDuration, parseSize } from "./quantities.js";
export { readChunks } from "./read-chunks.js";
export { programVersion } from "./version.js";
