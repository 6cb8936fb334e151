import * as z from "zod";

/** Recognizes `application/vnd.dev.sigstore.bundle.v0.3+json` and earlier versions. */
export function isBundleType(mediaType: string | undefined): boolean {
  return /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+)?\+json(?:;version=0\.\d+)?$/.test(
    mediaType ?? "",
  );
}

const base64 = z.string().transform((text) => Buffer.from(text, "base64"));

const bundle = z.object({
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

/** A signature of the image's manifest, or a signed statement about it. */
type SigstoreBundle = z.infer<typeof bundle>;
type Envelope = NonNullable<SigstoreBundle["dsseEnvelope"]>;

/**
 * Parses a bundle (sigstore, protobuf-specs, sigstore_bundle.proto).
 * @returns undefined if the bytes are not a bundle
 */
export function parseBundle(bytes: Uint8Array): SigstoreBundle | undefined {
  return parseJson(bundle, bytes);
}

/** The bytes that are signed in a DSSE envelope (secure-systems-lab/dsse, protocol.md). */
export function preAuthenticationEncoding({ payload, payloadType }: Envelope): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

const statement = z.object({
  _type: z.enum(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]),
  // Other attestations describe an image; only this type approves it.
  predicateType: z.literal("https://sigstore.dev/cosign/sign/v1"),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(100),
});

/** The digests in a statement of cosign. Not trustworthy before the envelope is verified. */
export function statedDigests({ payload, payloadType }: Envelope): string[] {
  if (payloadType !== "application/vnd.in-toto+json") return [];
  const subjects = parseJson(statement, payload)?.subject ?? [];
  return subjects.flatMap(({ digest }) =>
    Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}`),
  );
}

function parseJson<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return undefined;
  }
}
