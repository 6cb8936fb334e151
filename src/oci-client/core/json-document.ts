import type * as z from "zod";
import { OciClientError } from "./oci-client-error.js";
import { sanitize } from "./sanitize.js";

/**
 * Parses untrusted JSON. Null members count as absent: Go's encoders, which wrote most documents, write
 * an absent list or map that way.
 * @throws OciClientError MANIFEST_INVALID
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text, (_key, value) => value ?? undefined);
  } catch (cause) {
    throw invalidDocument(what, "is not valid JSON", cause);
  }
}

/**
 * Checks a parsed document against its schema. The error names the first violation.
 * @throws OciClientError MANIFEST_INVALID
 */
export function checkDocument<T>(schema: z.ZodType<T>, document: unknown, what: string): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join(".") || "document";
  const detail = sanitize(`${path}: ${issue?.message}`);
  throw invalidDocument(what, `does not match its schema (${detail})`);
}

export function invalidDocument(what: string, problem: string, cause?: unknown): OciClientError {
  return new OciClientError("MANIFEST_INVALID", `The ${what} ${problem}.`, {
    hint: "The image is damaged or of an unknown format: build and push it again.",
    cause,
  });
}
