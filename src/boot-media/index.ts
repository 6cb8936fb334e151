export { type CreateIsoOptions, createIso } from "./iso/create-iso.js";
export { isoReleaseFrom } from "./iso/iso-release.js";
export { checkIsoRequirements, type IsoRequirements, makeReleaseIso } from "./iso/release-iso.js";
export { makeUki, type UkiOptions } from "./uki/make-uki.js";
export { findSigner, signEfiProgram } from "./uki/sign-efi.js";
export { findStub } from "./uki/stub.js";
