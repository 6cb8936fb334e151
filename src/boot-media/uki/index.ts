export { readPe } from "../../kernel/pe.js";
export { makeUki, type UkiOptions } from "./make-uki.js";
export { osRelease } from "./os-release.js";
export { findSigner, type SigningKey, signEfiProgram } from "./sign-efi.js";
export { findStub } from "./stub.js";
