import { bundleFromJSON } from "@sigstore/bundle";
import { ASN1Obj } from "@sigstore/core";
import type { ObjectIdentifierValuePair, TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import type { AttachedSignature } from "./attached-signature.js";
import type { IdentityRequirement } from "./signature-requirement.js";
import {
  describeSigner,
  type SignatureVerifier,
  type Signer,
  type Verdict,
} from "./signature-verifier.js";

/**
 * Trusts an identity: a certificate of an authority in the trusted root names it, an entry in a
 * transparency log proves the signature, and a log or a timestamp authority says that the certificate
 * was valid then.
 */
export class IdentityVerifier implements SignatureVerifier {
  readonly requirement: string;
  readonly signCommand = "cosign sign IMAGE@DIGEST";
  readonly #expected: IdentityRequirement;
  readonly #verifier: Verifier;

  /** @throws what is wrong with the certificates and keys of the trusted root */
  constructor(expected: IdentityRequirement, trustedRoot: TrustedRoot) {
    const { identity, issuer, sourceRepository } = expected;
    const details = [`issuer ${issuer.source}`];
    if (sourceRepository !== undefined) details.push(`for ${sourceRepository.source}`);
    this.requirement = `verifiably made by ${identity.source} (${details.join(", ")})`;
    this.#expected = expected;
    this.#verifier = new Verifier(toTrustMaterial(trustedRoot), {
      ctlogThreshold: 1,
      tlogThreshold: 1,
      timestampThreshold: 1,
    });
  }

  verify({ bundle, content }: AttachedSignature): Verdict {
    if (bundle === undefined) return { isTrusted: false, reason: "has no certificate" };
    try {
      const entity = toSignedEntity(bundleFromJSON(bundle), Buffer.from(content));
      const { identity } = this.#verifier.verify(entity);
      return this.#judge({
        identity: identity?.subjectAlternativeName ?? "",
        issuer: identity?.extensions?.issuer ?? "",
        sourceRepository: sourceRepositoryOf(identity?.oids ?? []),
      });
    } catch (error) {
      return { isTrusted: false, reason: describeFailure(error) };
    }
  }

  #judge(signer: Signer): Verdict {
    const { identity, issuer, sourceRepository } = this.#expected;
    const isTrusted =
      identity.matches(signer.identity) &&
      issuer.matches(signer.issuer) &&
      (sourceRepository?.matches(signer.sourceRepository ?? "") ?? true);
    return isTrusted
      ? { isTrusted, signer }
      : { isTrusted, reason: `was made by ${describeSigner(signer)}` };
  }
}

/** "Source Repository URI" (fulcio, docs/oid-info.md). */
const sourceRepositoryOid = "1.3.6.1.4.1.57264.1.12";

function sourceRepositoryOf(extensions: readonly ObjectIdentifierValuePair[]): string | null {
  const found = extensions.find(({ oid }) => oid?.id.join(".") === sourceRepositoryOid);
  return found === undefined
    ? null
    : ASN1Obj.parseBuffer(Buffer.from(found.value)).value.toString("utf8");
}

/** A predicate that says why a signature is not trusted. */
function describeFailure(error: unknown): string {
  // Errors of other kinds are about contents that cannot be parsed.
  if (!(error instanceof VerificationError)) return `is malformed (${(error as Error).message})`;
  const { code, message, cause } = error;
  switch (code) {
    case "TIMESTAMP_ERROR":
      return message.startsWith("expected")
        ? "has no timestamp that shows whether its certificate was valid at that time"
        : "has an invalid timestamp, or one by an authority that the trusted root does not list";
    case "CERTIFICATE_ERROR":
      if (message.includes("SCT")) return "has a certificate that is in no certificate log";
      return /expired/.test(String((cause as Error | undefined)?.message))
        ? "was made when its certificate was not valid"
        : "has a certificate by an authority that the trusted root does not list";
    case "TLOG_ERROR":
      return "has no entry in a transparency log";
    case "TLOG_BODY_ERROR":
      return "has the transparency log entry of another signature";
    case "TLOG_INCLUSION_PROMISE_ERROR":
    case "TLOG_INCLUSION_PROOF_ERROR":
    case "TLOG_MISSING_INCLUSION_ERROR":
      return "has an invalid entry in the transparency log, or one in a log that the trusted root does not list";
    case "SIGNATURE_ERROR":
      return "does not match what it is said to sign";
    case "PUBLIC_KEY_ERROR":
      return "was made with a key and has no certificate";
    default:
      return `is not acceptable (${message})`;
  }
}
