export { formatCycloneDx } from "./cyclonedx.js";
export type { InstalledPackage, PackageList } from "./package.js";
export { isPackageDatabase, readPackages } from "./package-databases.js";
export { imagePurl, packagePurl } from "./purl.js";
export { formatSpdx } from "./spdx.js";
