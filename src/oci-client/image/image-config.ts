import { z } from "zod";
import { isDigest } from "../core/digest.js";
import { checkDocument, parseJson } from "../core/json-document.js";

/** The parts of an image's config that matter here (OCI image spec, config.md). */
export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  /** As written in the image: RFC 3339, unchecked. */
  created?: string;
  /** The digests of the layers once uncompressed, bottom first. */
  rootfs: { diff_ids: string[] };
  history?: { created?: string; created_by?: string; empty_layer?: boolean }[];
  config?: { Labels?: Record<string, string>; Env?: string[] };
}

/** The largest config, in bytes, that is fetched; the same bound that containers/image has. */
export const maxConfigBytes = 4 * 1024 * 1024;

const digest = z.string().refine(isDigest, "not a sha256 or sha512 digest");

const imageConfig = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  created: z.string().optional(),
  rootfs: z.object({ diff_ids: z.array(digest).max(1000).default([]) }),
  history: z
    .array(
      z.object({
        created: z.string().optional(),
        created_by: z.string().optional(),
        empty_layer: z.boolean().optional(),
      }),
    )
    .optional(),
  config: z
    .object({
      Labels: z.record(z.string(), z.string()).optional(),
      Env: z.array(z.string()).optional(),
    })
    .optional(),
});

/**
 * Reads an image's config; unknown members are left out and nulls count as absent.
 * @throws OciClientError MANIFEST_INVALID
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return checkDocument(imageConfig, parseJson(bytes, "image config"), "image config");
}
