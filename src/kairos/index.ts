export { artifactName, checkArtifactName, versionInName } from "./artifact-name.js";
export { captureRule, findBootFiles } from "./boot-files.js";
export { checkCloudConfig, readCloudConfig } from "./cloud-config.js";
export {
  commandLineByName,
  expandCommandLine,
  findCommandLineProblem,
  findIpxeVariable,
  netbootCommandLine,
} from "./command-line.js";
export type { ImageContents } from "./image-contents.js";
export { type KairosFacts, readKairosFacts, readKairosRelease } from "./image-facts.js";
export { findProgram, type ImageProgram } from "./image-program.js";
export { ImageTree } from "./image-tree.js";
export { type Initrd, isInitrdPath } from "./initrds.js";
export { type KairosRelease, type ReleaseSummary, summarizeRelease } from "./kairos-release.js";
export { isKernelPath, type Kernel } from "./kernels.js";
export { formatOsRelease, parseOsRelease } from "./os-release.js";
