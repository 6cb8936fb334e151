export { type IsoOptions, iso } from "./iso/create-iso.js";
export { type IsoRelease, releaseOf } from "./iso/iso-release.js";
export { ensureIsoIsPossible, type IsoWish, makeReleaseIso } from "./iso/release-iso.js";
export { makeUki, type UkiOptions } from "./uki/make-uki.js";
export { findSigner, signEfiProgram } from "./uki/sign-efi.js";
export { findStub } from "./uki/stub.js";
