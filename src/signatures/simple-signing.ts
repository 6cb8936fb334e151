import { createHash, X509Certificate } from "node:crypto";
import * as z from "zod";
import type { AttachedSignature } from "./attached-signature.js";
import { parseJson } from "./parse-json.js";

/** The media type of a layer with a payload. */
export const simpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";

/**
 * The annotations of that layer (cosign, specs/SIGNATURE_SPEC.md, "Properties"). The chain of the
 * certificate is in one more; the trusted root already has it.
 */
const annotation = {
  /** Signature of the payload's bytes, in Base64. */
  signature: "dev.cosignproject.cosign/signature",
  /** Certificate in PEM of the key that made it. */
  certificate: "dev.sigstore.cosign/certificate",
  /** Entry in Rekor, the transparency log. */
  logEntry: "dev.sigstore.cosign/bundle",
  /** Timestamp of the signature by an authority. */
  timestamp: "dev.sigstore.cosign/rfc3161timestamp",
} as const;

type Annotations = Readonly<Record<string, string>> | undefined;

/** True if the layer's annotations hold a signature of its payload. */
export function hasSignature(annotations: Annotations): boolean {
  return annotations?.[annotation.signature] !== undefined;
}

export function readSimpleSigning(
  payload: Uint8Array,
  annotations: Annotations = {},
): AttachedSignature {
  const signature = Buffer.from(annotations[annotation.signature] ?? "", "base64");
  const digest = signedDigest(payload);
  return {
    content: payload,
    signatures: [signature],
    digests: digest === undefined ? [] : [digest],
    bundle: bundleOf(payload, signature, annotations),
  };
}

const payloadSchema = z.object({
  critical: z.object({
    type: z.literal("cosign container image signature"),
    image: z.object({ "docker-manifest-digest": z.string() }),
  }),
});

/** The digest in a payload (cosign, specs/SIGNATURE_SPEC.md, "Payloads"). */
function signedDigest(payload: Uint8Array): string | undefined {
  return parseJson(payloadSchema, payload)?.critical.image["docker-manifest-digest"];
}

/** The bundle, version 0.1, that says the same as the annotations. */
function bundleOf(
  payload: Uint8Array,
  signature: Buffer,
  annotations: NonNullable<Annotations>,
): unknown {
  const certificate = certificateOf(annotations[annotation.certificate]);
  if (certificate === undefined) return undefined;
  return {
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: certificate.toString("base64") }] },
      tlogEntries: logEntriesOf(annotations[annotation.logEntry]),
      timestampVerificationData: timestampsOf(annotations[annotation.timestamp]),
    },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: createHash("sha256").update(payload).digest("base64"),
      },
      signature: signature.toString("base64"),
    },
  };
}

/** @returns the first certificate, in DER */
function certificateOf(pem: string | undefined): Buffer | undefined {
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(pem).raw;
  } catch {
    return undefined;
  }
}

const logEntrySchema = z.object({
  SignedEntryTimestamp: z.string(),
  Payload: z.object({
    body: z.string(),
    integratedTime: z.int(),
    logIndex: z.int(),
    logID: z.string(),
  }),
});

const logEntryBodySchema = z.object({ kind: z.string(), apiVersion: z.string() });

function logEntriesOf(json: string | undefined) {
  const entry = parseJson(logEntrySchema, Buffer.from(json ?? ""));
  if (entry === undefined) return [];
  const { body, integratedTime, logIndex, logID } = entry.Payload;
  const parsed = parseJson(logEntryBodySchema, Buffer.from(body, "base64"));
  return [
    {
      logIndex: String(logIndex),
      logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
      kindVersion: parsed && { kind: parsed.kind, version: parsed.apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: entry.SignedEntryTimestamp },
      canonicalizedBody: body,
    },
  ];
}

const timestampSchema = z.object({ SignedRFC3161Timestamp: z.string() });

function timestampsOf(json: string | undefined) {
  const timestamp = parseJson(timestampSchema, Buffer.from(json ?? ""));
  return (
    timestamp && { rfc3161Timestamps: [{ signedTimestamp: timestamp.SignedRFC3161Timestamp }] }
  );
}
