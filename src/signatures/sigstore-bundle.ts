import * as z from "zod";
import { type AttachedSignature, unreadableSignature } from "./attached-signature.js";
import { parseJson } from "./parse-json.js";

/** Recognizes `application/vnd.dev.sigstore.bundle.v0.3+json` and earlier versions. */
export function isBundleType(mediaType: string | undefined): boolean {
  return /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+)?\+json(?:;version=0\.\d+)?$/.test(
    mediaType ?? "",
  );
}

const base64 = z.string().transform((text) => Buffer.from(text, "base64"));

const bundleSchema = z.object({
  mediaType: z.string().refine(isBundleType),
  messageSignature: z.object({ signature: base64 }).optional(),
  dsseEnvelope: z
    .object({
      payload: base64,
      payloadType: z.string(),
      signatures: z.array(z.object({ sig: base64 })).max(16),
    })
    .optional(),
});

type Envelope = NonNullable<z.infer<typeof bundleSchema>["dsseEnvelope"]>;

/** The document that a signature belongs to: a manifest or an index. */
export interface SignedDocument {
  readonly digest: string;
  read(): Promise<Uint8Array>;
}

/**
 * Reads a bundle (sigstore, protobuf-specs, sigstore_bundle.proto): a signature of the document
 * itself, or a signed statement about it.
 */
export async function readBundle(
  bytes: Uint8Array,
  document: SignedDocument,
): Promise<AttachedSignature> {
  const bundle = parseJson(z.unknown(), bytes);
  const { messageSignature, dsseEnvelope } = bundleSchema.safeParse(bundle).data ?? {};
  if (messageSignature !== undefined) {
    const content = await document.read();
    const { signature } = messageSignature;
    return { content, signatures: [signature], digests: [document.digest], bundle };
  }
  if (dsseEnvelope === undefined) return unreadableSignature;
  return {
    content: preAuthenticationEncoding(dsseEnvelope),
    signatures: dsseEnvelope.signatures.map(({ sig }) => sig),
    digests: statedDigests(dsseEnvelope),
    bundle,
  };
}

/** The bytes that are signed in a DSSE envelope (secure-systems-lab/dsse, protocol.md). */
function preAuthenticationEncoding({ payload, payloadType }: Envelope): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

const statementSchema = z.object({
  _type: z.enum(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]),
  // Other attestations describe an image; only this type approves it.
  predicateType: z.literal("https://sigstore.dev/cosign/sign/v1"),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(100),
});

/** The digests in a statement of cosign. */
function statedDigests({ payload, payloadType }: Envelope): string[] {
  if (payloadType !== "application/vnd.in-toto+json") return [];
  const subjects = parseJson(statementSchema, payload)?.subject ?? [];
  return subjects.flatMap(({ digest }) =>
    Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}`),
  );
}
