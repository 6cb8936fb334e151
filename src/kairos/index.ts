export { artifactName, checkedName } from "./artifact-name.js";
export { keepRule, type WantedBootFiles } from "./boot-files.js";
export { readCloudConfig } from "./cloud-config.js";
export { expandCommandLine, netbootCommandLine } from "./command-line.js";
export { type KairosFacts, readKairosFacts } from "./facts.js";
export { ImageTree } from "./image-tree.js";
export { bcjFilterFor, type KernelConfig } from "./kernel-config.js";
export { kernelArchitecture } from "./kernel-file.js";
