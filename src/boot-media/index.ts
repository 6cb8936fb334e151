export { type IsoOptions, iso } from "./iso/create-iso.js";
export { type IsoRelease, releaseOf } from "./iso/iso-release.js";
export { ensureIsoIsPossible, type IsoWish, makeReleaseIso } from "./iso/release-iso.js";
export { findSigner, findStub, makeUki, osRelease, signEfiProgram } from "./uki/index.js";
