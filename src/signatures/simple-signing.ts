import { z } from "zod";

/** Of a layer that is such a payload. */
export const simpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";
/** Of that layer: the signature over the payload's bytes, in Base64. */
export const signatureAnnotation = "dev.cosignproject.cosign/signature";

const payload = z.object({
  critical: z.object({
    type: z.literal("cosign container image signature"),
    image: z.object({ "docker-manifest-digest": z.string() }),
  }),
});

/**
 * The digest that a payload is about (cosign, specs/SIGNATURE_SPEC.md, "Payloads"); only to be
 * believed once its signature was verified.
 * @returns undefined where the bytes are no such payload
 */
export function signedDigest(bytes: Uint8Array): string | undefined {
  try {
    const parsed = payload.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return parsed.critical.image["docker-manifest-digest"];
  } catch {
    return undefined;
  }
}
