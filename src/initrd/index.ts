export { listInitrd } from "./initrd.js";
export { InitrdFormatError } from "./initrd-format-error.js";
