export {
  artifactNames,
  describeFile,
  filesOf,
  sizeOfFile,
} from "./artifact-files.js";
export {
  checksumsName,
  checksumsSignatureName,
  formatChecksums,
  parseChecksums,
} from "./checksums.js";
export {
  type DiscoveredRelease,
  describedFiles,
  discoverReleases,
  findUndescribedReleases,
  type ReleaseFiles,
} from "./discover.js";
export { estimateMemory } from "./memory-estimate.js";
export {
  checkNetbootJson,
  type FileDescription,
  formatNetbootJson,
  isFileName,
  type NetbootJson,
  netbootJsonName,
  netbootJsonSchema,
  parseNetbootJson,
  readNetbootJson,
  readWrittenNetbootJson,
  type WrittenNetbootJson,
} from "./netboot-json.js";
export { isIntact } from "./output-directory.js";
export { outputNotWritable } from "./output-not-writable.js";
export {
  formatProvenance,
  parseProvenance,
  provenanceName,
} from "./provenance.js";
export { formatReleaseScript } from "./release-script.js";
export { checkReleaseUrl } from "./release-url.js";
export { SharedScratch, Staging } from "./staging.js";
