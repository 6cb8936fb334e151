import * as z from "zod";

/** The media type of a layer with a payload. */
export const simpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";
/** The annotation of that layer with the signature of the payload's bytes, in Base64. */
export const signatureAnnotation = "dev.cosignproject.cosign/signature";

const payload = z.object({
  critical: z.object({
    type: z.literal("cosign container image signature"),
    image: z.object({ "docker-manifest-digest": z.string() }),
  }),
});

/**
 * The digest in a payload (cosign, specs/SIGNATURE_SPEC.md, "Payloads"). Not trustworthy before the
 * signature is verified.
 * @returns undefined if the bytes are not such a payload
 */
export function signedDigest(bytes: Uint8Array): string | undefined {
  try {
    const parsed = payload.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return parsed.critical.image["docker-manifest-digest"];
  } catch {
    return undefined;
  }
}
