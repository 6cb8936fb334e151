export type { Check, CheckName, CheckStatus } from "./check.js";
export { type VerifyOptions, verifyDirectory } from "./verify-directory.js";
