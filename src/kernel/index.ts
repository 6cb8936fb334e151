export { elfArchitecture } from "./elf.js";
export { KernelConfig } from "./kernel-config.js";
export { kernelArchitecture, readKernelImage } from "./kernel-image.js";
export { type PeProgram, readPeProgram, sectionHeaderBytes } from "./pe.js";
export { readSectionText, readUkiSections } from "./uki.js";
