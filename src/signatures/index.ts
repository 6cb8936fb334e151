export type { ImageSignature } from "./image-signature.js";
export { readPrivateKey, readPublicKey } from "./keys.js";
export { openVerifier } from "./open-verifier.js";
export { describeSignature, requireSignature } from "./require-signature.js";
export { isSignedBy, sign } from "./signature.js";
export {
  findWeaknesses,
  readSignatureRequirement,
  recordRequirement,
  type SignatureRequirement,
} from "./signature-requirement.js";
export type { SignatureVerifier, Signer } from "./signature-verifier.js";
export type { VerificationOptions } from "./verification-option-table.js";
