export { type IsoOptions, iso } from "./iso.js";
export { type IsoRelease, releaseOf } from "./release.js";
export { ensureIsoIsPossible, type IsoWish, makeReleaseIso } from "./release-iso.js";
