export {
  type Description,
  descriptionJsonSchema,
  descriptionName,
  type FileDescription,
  formatDescription,
  isFileName,
  parseDescription,
} from "./description.js";
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
} from "./files.js";
export { ipxeScript } from "./ipxe-script.js";
export { memoryNeeded } from "./memory-estimate.js";
export {
  formatProvenance,
  type Provenance,
  parseProvenance,
  provenanceName,
} from "./provenance.js";
export { isIntact, journalName, readDescription } from "./published.js";
export { type FoundRelease, findReleases } from "./recognise.js";
export { checkedUrl } from "./release-url.js";
export { SharedScratch, Staging } from "./staging.js";
