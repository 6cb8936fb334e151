export { formatCycloneDx } from "./cyclonedx.js";
export { isPackageDatabase, readPackages } from "./package-databases.js";
export { imagePurl } from "./purl.js";
export { formatSpdx } from "./spdx.js";
