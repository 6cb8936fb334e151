import type { KeyObject } from "node:crypto";
import { sha256Hex, usageError } from "../support/index.js";
import { readPublicKey } from "./keys.js";
import { parseTextPattern, type TextPattern } from "./text-pattern.js";
import { readTrustedRootFile, type TrustedRootFile } from "./trusted-root-file.js";
import type { VerificationOptions } from "./verification-option-table.js";

/** The key or the identity that has to have signed an image. */
export type SignatureRequirement = KeyRequirement | IdentityRequirement;

interface KeyRequirement {
  readonly kind: "key";
  readonly key: KeyObject;
}

export interface IdentityRequirement {
  readonly kind: "identity";
  readonly identity: TextPattern;
  readonly issuer: TextPattern;
  /** Undefined for any. */
  readonly sourceRepository: TextPattern | undefined;
  /** Undefined for the one that sigstore publishes. */
  readonly trustedRoot: TrustedRootFile | undefined;
}

/**
 * Checks the options, and reads the files that they name.
 * @returns undefined if no signature is required
 * @throws NetbootError USAGE_INVALID, KEY_INVALID, TRUSTED_ROOT_INVALID
 */
export async function readSignatureRequirement({
  verifyKey,
  verifyIdentity,
  verifyIssuer,
  verifySourceRepository,
  trustedRoot,
}: VerificationOptions): Promise<SignatureRequirement | undefined> {
  const isKeyless =
    (verifyIdentity ?? verifyIssuer ?? verifySourceRepository ?? trustedRoot) !== undefined;
  if (verifyKey !== undefined) {
    if (isKeyless) throw bothKinds();
    return { kind: "key", key: await readPublicKey(verifyKey) };
  }
  if (!isKeyless) return undefined;
  if (verifyIdentity === undefined) throw identityMissing(verifyIssuer);
  if (verifyIssuer === undefined) throw issuerMissing();
  return {
    kind: "identity",
    identity: parseTextPattern(verifyIdentity, "--verify-identity"),
    issuer: parseTextPattern(verifyIssuer, "--verify-issuer"),
    sourceRepository:
      verifySourceRepository === undefined
        ? undefined
        : parseTextPattern(verifySourceRepository, "--verify-source-repository"),
    trustedRoot: trustedRoot === undefined ? undefined : await readTrustedRootFile(trustedRoot),
  };
}

/** For people: what makes a requirement weaker than it may look. */
export function findWeaknesses(requirement: SignatureRequirement | undefined): string[] {
  if (requirement?.kind !== "identity") return [];
  const patterns = {
    "--verify-identity": requirement.identity,
    "--verify-issuer": requirement.issuer,
    "--verify-source-repository": requirement.sourceRepository,
  };
  return Object.entries(patterns).flatMap(([flag, pattern]) =>
    pattern === undefined || pattern.isAnchored
      ? []
      : `${flag} ${pattern.source} does not begin with ^: it also accepts a value that only contains a match.`,
  );
}

interface RecordedRequirement {
  readonly key: string | null;
  readonly identity: string | null;
  readonly issuer: string | null;
  readonly sourceRepository: string | null;
  readonly trustedRoot: string | null;
}

const nothingRecorded: RecordedRequirement = {
  key: null,
  identity: null,
  issuer: null,
  sourceRepository: null,
  trustedRoot: null,
};

/** A requirement as netboot.json records it: files by their SHA-256. */
export function recordRequirement(requirement: SignatureRequirement): RecordedRequirement {
  if (requirement.kind === "key") {
    const der = requirement.key.export({ type: "spki", format: "der" });
    return { ...nothingRecorded, key: sha256Hex(der) };
  }
  const { identity, issuer, sourceRepository, trustedRoot } = requirement;
  return {
    ...nothingRecorded,
    identity: identity.source,
    issuer: issuer.source,
    sourceRepository: sourceRepository?.source ?? null,
    trustedRoot: trustedRoot === undefined ? null : sha256Hex(trustedRoot.text),
  };
}

function bothKinds() {
  return usageError(
    "--verify-key is for signatures with a key, and the other options are for signatures without one.",
    "Give --verify-key, or --verify-identity and --verify-issuer.",
  );
}

function identityMissing(issuer: string | undefined) {
  return usageError(
    issuer === undefined
      ? "--trusted-root and --verify-source-repository belong to an identity, and none is given."
      : "--verify-issuer alone would accept everybody whom the issuer knows.",
    "Add --verify-identity, the certificate identity that cosign verify takes.",
  );
}

function issuerMissing() {
  return usageError(
    "--verify-identity requires --verify-issuer: another issuer may vouch for the same name.",
    "Add the OIDC issuer. For GitHub Actions: --verify-issuer https://token.actions.githubusercontent.com",
  );
}
