export { ensureArchitecture, type IsoRelease, makeReleaseIso } from "./release-iso.js";
export { makeWaitingIso } from "./waiting-iso.js";
