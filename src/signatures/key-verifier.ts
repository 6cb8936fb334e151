import type { KeyObject } from "node:crypto";
import type { AttachedSignature } from "./attached-signature.js";
import { isSignedBy } from "./signature.js";
import type { SignatureVerifier, Verdict } from "./signature-verifier.js";

/** Trusts one key, and nothing else: neither certificates nor transparency logs matter. */
export class KeyVerifier implements SignatureVerifier {
  readonly requirement = "made with this key";
  readonly signCommand = "cosign sign --key cosign.key IMAGE@DIGEST";
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  verify({ content, signatures }: AttachedSignature): Verdict {
    return { isTrusted: signatures.some((bytes) => isSignedBy(this.#key, content, bytes)) };
  }
}
