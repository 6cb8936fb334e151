export { cycloneDx } from "./cyclonedx.js";
export type { InstalledPackage, PackageList } from "./package.js";
export { isPackageDatabase, readPackages } from "./package-databases.js";
export { imagePurl, packagePurl } from "./purl.js";
export { spdx } from "./spdx.js";
