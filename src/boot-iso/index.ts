export { type IsoOptions, iso } from "./iso.js";
export { ensureIsoIsPossible, type IsoRelease, makeReleaseIso } from "./release-iso.js";
