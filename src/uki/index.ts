export { makeUki, type UkiOptions } from "./make-uki.js";
export { osRelease } from "./os-release.js";
export { readPe } from "./pe.js";
export { findSigner, type SigningKey, signEfiProgram } from "./sign.js";
export { findStub } from "./stub.js";
