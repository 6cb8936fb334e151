export {
  type Description,
  descriptionName,
  type FileDescription,
  formatDescription,
  isFileName,
} from "./description.js";
export {
  checksumsName,
  describeFile,
  fileNames,
  filesOf,
  formatChecksums,
  sha256OfText,
} from "./files.js";
export { ipxeScript } from "./ipxe-script.js";
export { formatMemory, memoryNeeded } from "./memory-estimate.js";
export { isIntact, readDescription } from "./published.js";
export { type FoundRelease, findReleases } from "./recognise.js";
export { Staging } from "./staging.js";
