export { listInitrd, readInitrdFeatures } from "./initrd.js";
export type { InitrdFeatures } from "./initrd-features.js";
export { InitrdFormatError } from "./initrd-format-error.js";
export { describeMissing, missingForNetboot } from "./netboot-needs.js";
export { findBuiltInDrivers, type RootDriver, rootDrivers } from "./root-drivers.js";
