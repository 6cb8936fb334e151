import type { z } from "zod";
import { OciClientError } from "./oci-client-error.js";
import { sanitize } from "./sanitize.js";

/**
 * Parses JSON from outside. A null member is dropped: Go's encoders, which wrote most of what there
 * is, spell an absent list or map that way.
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
 * Checks a parsed document against its schema and names the first thing that is wrong.
 * @throws OciClientError MANIFEST_INVALID
 */
export function checkDocument<T>(schema: z.ZodType<T>, document: unknown, what: string): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = issue.path.map(String).join(".") || "it";
  throw invalidDocument(what, `does not fit its format (${sanitize(`${path}: ${issue.message}`)})`);
}

export function invalidDocument(what: string, problem: string, cause?: unknown): OciClientError {
  return new OciClientError("MANIFEST_INVALID", `The ${what} ${problem}.`, {
    hint: "The image is damaged or of an unknown kind: build and push it again.",
    cause,
  });
}
