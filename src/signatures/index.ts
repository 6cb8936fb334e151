export { verifyImage } from "./image-signature.js";
export { readPrivateKey, readPublicKey } from "./keys.js";
export { isSignedBy, sign } from "./signature.js";
