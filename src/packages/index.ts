export { cycloneDx } from "./cyclonedx.js";
export { isPackageDatabase, readPackages } from "./databases.js";
export type { InstalledPackage, PackageList } from "./package.js";
export { imagePurl, packagePurl } from "./purl.js";
export { spdx } from "./spdx.js";
