export {
  checksumsName,
  checksumsSignatureName,
  describeFile,
  fileNames,
  filesOf,
  formatChecksums,
  parseChecksums,
  sha256OfText,
  sizeOfFile,
} from "./artifact-files.js";
export { type FoundRelease, findReleases } from "./discover.js";
export { ipxeScript } from "./ipxe-script.js";
export { memoryNeeded } from "./memory-estimate.js";
export {
  type Description,
  descriptionJsonSchema,
  descriptionName,
  type FileDescription,
  formatDescription,
  isFileName,
  parseDescription,
} from "./netboot-json.js";
export { isIntact, journalName, readDescription } from "./output-directory.js";
export {
  formatProvenance,
  type Provenance,
  parseProvenance,
  provenanceName,
} from "./provenance.js";
export { checkedUrl } from "./release-url.js";
export { SharedScratch, Staging } from "./staging.js";
