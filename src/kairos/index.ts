export { artifactName, checkedName, versionInName } from "./artifact-name.js";
export { findBootFiles, keepRule, type WantedBootFiles } from "./boot-files.js";
export { readCloudConfig } from "./cloud-config.js";
export {
  commandLineByName,
  expandCommandLine,
  foreignVariable,
  netbootCommandLine,
} from "./command-line.js";
export { type KairosFacts, readKairosFacts, readRelease } from "./facts.js";
export { ImageTree } from "./image-tree.js";
export type { Initrd } from "./initrds.js";
export { bcjFilterFor, type KernelConfig } from "./kernel-config.js";
export { kernelArchitecture } from "./kernel-file.js";
export { peMachines } from "./kernel-headers.js";
export { type KernelImage, readKernelImage } from "./kernel-image.js";
export type { Kernel } from "./kernels.js";
export { type KairosRelease, type ReleaseSummary, summaryOf } from "./release.js";
