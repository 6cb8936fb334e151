export type { Check } from "./check.js";
export { type VerifyOptions, verifyDirectory } from "./verify-directory.js";
