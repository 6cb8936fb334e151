export { artifactName, checkedName, versionInName } from "./artifact-name.js";
export { findBootFiles, keepRule, type WantedBootFiles } from "./boot-files.js";
export { checkCloudConfig, readCloudConfig } from "./cloud-config.js";
export {
  commandLineByName,
  expandCommandLine,
  foreignVariable,
  netbootCommandLine,
} from "./command-line.js";
export { type KairosFacts, readKairosFacts, readRelease } from "./image-facts.js";
export { ImageTree } from "./image-tree.js";
export type { Initrd } from "./initrds.js";
export { type KairosRelease, type ReleaseSummary, summaryOf } from "./kairos-release.js";
export type { Kernel } from "./kernels.js";
