export { type InitrdContents, InitrdFormatError, listInitrd } from "./initrd.js";
